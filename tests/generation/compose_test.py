"""Laws of sampling: the fast path is the plain one, guidance of 1 is none, films go on where windows end."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.decoding.sampling import guided
from vis2sound_jax.generation.compose import Composer
from vis2sound_jax.models.conditioning import sequence_inputs
from vis2sound_jax.models.grid import grid_from_tokens, tokens_from_grid
from vis2sound_jax.models.transformer import Transformer

ROWS, CODES, COLUMNS, PREFIX = 2, 5, 4, 3
N = ROWS * COLUMNS
KEY = jax.random.key(7)


def make_composer(**changes: Any) -> Composer:
    net = Transformer(vocab=ROWS * CODES + 1, slots=2 * (N + PREFIX), layers=2, heads=2, width=8)
    settings: dict[str, Any] = {
        "net": net,
        "rows": ROWS,
        "book": CODES,
        "codes": CODES,
        "columns": COLUMNS,
        "prefix": False,
        "maskable": True,
        "temperature": 1.0,
        "top_k": 1,
        "guidance": 1.0,
    }
    return Composer(**(settings | changes))


ALIGNED = make_composer()
COPYING = make_composer(net=ALIGNED.net.clone(copy_heads=2, rows=ROWS, book=CODES), guidance=2.5)
PREFIXED = make_composer(prefix=True, book=0, maskable=False)
LIVELY = make_composer(top_k=CODES, temperature=3.0)


@functools.cache
def batch(composer: Composer, size: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    grid = rng.integers(0, CODES, (size, ROWS, composer.columns))
    frames = PREFIX if composer.prefix else ROWS * composer.columns
    videos = rng.normal(size=(2, size, frames, 3)).astype(np.float32)
    condition = np.asarray(tokens_from_grid(jnp.asarray(grid), composer.book), np.int32)
    found = {"condition": condition, "condition_video": videos[0], "target_video": videos[1]}
    return found if composer.prefix else found | {"style": rng.normal(size=(size, 2)).astype(np.float32)}


@functools.cache
def params(composer: Composer) -> Any:
    """Large matrices, so that every input can change a choice."""
    full = batch(composer) | {"target": batch(composer)["condition"]}
    inputs = sequence_inputs(full, prefix=composer.prefix)
    start = jax.jit(composer.net.init)(jax.random.key(1), **inputs)["params"]
    leaves, structure = jax.tree.flatten(start)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    large = [
        leaf + (leaf.ndim > 1) * jax.random.normal(key, leaf.shape) for key, leaf in zip(keys, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, large)


def none_known(size: int = 2) -> np.ndarray:
    return np.zeros((size, 0), np.int32)


def known_start(composer: Composer, columns: int) -> np.ndarray:
    grid = np.random.default_rng(5).integers(0, CODES, (2, ROWS, columns))
    return np.asarray(tokens_from_grid(jnp.asarray(grid), composer.book), np.int32)


def naive(composer: Composer, inputs: dict[str, np.ndarray], known: np.ndarray) -> np.ndarray:
    """The likeliest allowed code, one after the other, by whole forward passes without a cache."""
    # A row's own codes, and never the mask token beyond them.
    first = jnp.arange(composer.rows)[:, None] * composer.book
    allowed = (jnp.arange(composer.net.vocab) >= first) & (jnp.arange(composer.net.vocab) < first + composer.codes)
    n = composer.rows * composer.columns
    forward = jax.jit(lambda inputs: composer.net.apply({"params": params(composer)}, **inputs))
    target = np.pad(known, ((0, 0), (0, n - known.shape[1])))
    hidden = composer.hidden(inputs) | {"target_video": 0 * inputs["target_video"]}
    for i in range(known.shape[1], n):
        # Later codes are zeros: the network is causal and does not see them.
        rows = [dict(one) | {"target": target} for one in (inputs, hidden)]
        logits, base = (forward(sequence_inputs(row, prefix=composer.prefix))[:, i - n] for row in rows)
        if composer.guidance != 1.0:
            logits = guided(logits, base, composer.guidance)
        target[:, i] = jnp.where(allowed[i % composer.rows], logits, -jnp.inf).argmax(-1)
    return np.asarray(grid_from_tokens(jnp.asarray(target), composer.rows, composer.book))


@pytest.mark.parametrize("columns", [0, 2])
@pytest.mark.parametrize(
    "composer",
    [ALIGNED, PREFIXED, make_composer(guidance=2.5), COPYING],
    ids=["aligned", "prefix", "guided", "copying"],
)
def test_the_likeliest_window_is_the_naive_one(composer: Composer, columns: int) -> None:
    known = known_start(composer, columns) if columns else none_known()
    grid = np.asarray(composer.window(params(composer), batch(composer), known, KEY, takes=2))
    expected = naive(composer, batch(composer), known)
    np.testing.assert_array_equal(grid, np.repeat(expected, 2, axis=0))
    np.testing.assert_array_equal(grid[::2, :, :columns], grid_from_tokens(known, ROWS, composer.book))
    assert grid.min() >= 0 and grid.max() < CODES


def test_guidance_of_one_is_no_guidance() -> None:
    for top_k in (1, CODES):
        plain, unmaskable, nearly = (
            make_composer(top_k=top_k, **changes)
            for changes in ({}, {"maskable": False, "guidance": 3.0}, {"guidance": 1.0 + 1e-6})
        )
        expected = plain.window(params(ALIGNED), batch(ALIGNED), none_known(), KEY, takes=2)
        for other in (unmaskable, nearly):
            grid = other.window(params(ALIGNED), batch(ALIGNED), none_known(), KEY, takes=2)
            np.testing.assert_array_equal(grid, expected)


def test_guidance_changes_the_choice() -> None:
    strong = dataclasses.replace(LIVELY, guidance=4.0)
    first, second = (
        one.window(params(ALIGNED), batch(ALIGNED), none_known(), KEY, takes=4) for one in (LIVELY, strong)
    )
    assert np.abs(first - second).max() > 0


def test_takes_differ_by_the_key_alone() -> None:
    draw = functools.partial(LIVELY.window, params(ALIGNED), batch(ALIGNED), none_known())
    grids = np.asarray(draw(KEY, takes=4))
    assert grids.shape == (8, ROWS, COLUMNS)
    assert len({grid.tobytes() for grid in grids}) == 8
    np.testing.assert_array_equal(draw(KEY, takes=4), grids)
    assert np.abs(draw(jax.random.key(8), takes=4) - grids).max() > 0
    assert grids.min() >= 0 and grids.max() < CODES


def test_a_cold_choice_is_the_likeliest() -> None:
    cold = dataclasses.replace(LIVELY, temperature=1e-4)
    first, second = (one.window(params(ALIGNED), batch(ALIGNED), none_known(), KEY, takes=1) for one in (cold, ALIGNED))
    np.testing.assert_array_equal(first, second)


def test_hidden_hides_the_condition_and_not_the_film() -> None:
    hidden = ALIGNED.hidden(batch(ALIGNED))
    assert (hidden["condition"] == ALIGNED.net.vocab - 1).all()
    assert not hidden["condition_video"].any() and not hidden["style"].any()
    np.testing.assert_array_equal(hidden["target_video"], batch(ALIGNED)["target_video"])


def make_film(
    composer: Composer, columns: int, takes: int = 3, conditions: list[dict[str, np.ndarray]] | None = None
) -> tuple[np.ndarray, list[int], list[Any]]:
    """Composes a film; also returns where windows were asked for and the progress told."""
    asked: list[int] = []
    told: list[Any] = []
    features = np.random.default_rng(3).normal(size=(100, 3)).astype(np.float32)

    def video(start: int) -> np.ndarray:
        asked.append(start)
        return np.repeat(features[start : start + composer.columns], ROWS, axis=0)

    conditions = conditions or [{name: value[0] for name, value in batch(composer).items() if name != "target_video"}]
    report = lambda *numbers: told.append(numbers)  # noqa: E731
    grid = composer.film(params(ALIGNED), conditions, video, columns, KEY, takes=takes, progress=report)
    return grid, asked, told


@pytest.mark.parametrize("columns", [1, 3, 4, 5, 6, 7, 11])
def test_films_of_any_length(columns: int) -> None:
    grid, asked, told = make_film(LIVELY, columns)
    assert grid.shape == (3, ROWS, columns)
    further = -(-max(columns - COLUMNS, 0) // 2)
    assert asked == list(range(0, 2 * further + 1, 2)) and told[-1] == (columns, columns)
    assert grid.min() >= 0 and grid.max() < CODES
    # A longer film begins with the same sound.
    np.testing.assert_array_equal(grid, make_film(LIVELY, 11)[0][:, :, :columns])


@pytest.mark.parametrize("window", [4, 5])
def test_every_window_goes_on_from_the_columns_before_it(window: int) -> None:
    composer = make_composer(columns=window)
    grid, asked, _ = make_film(composer, 9, takes=1)
    assert asked == [0, 2, 4, 6][: len(asked)] and asked[-1] + window >= 9
    features = np.random.default_rng(3).normal(size=(100, 3)).astype(np.float32)
    one = {name: value[:1] for name, value in batch(composer).items()}
    for start in asked[1:]:
        known = tokens_from_grid(jnp.asarray(grid[:, :, start : start + window - 2]), CODES)
        video = np.repeat(features[start : start + window], ROWS, axis=0)[None]
        expected = composer.window(params(ALIGNED), one | {"target_video": video}, known, KEY, takes=1)
        cut = grid[:, :, start : start + window]
        np.testing.assert_array_equal(cut, np.asarray(expected)[:, :, : cut.shape[2]])


def test_films_of_any_length_are_two_programs(caplog: pytest.LogCaptureFixture) -> None:
    composer = make_composer(top_k=CODES, temperature=2.5)
    with jax.log_compiles():
        for columns in (3, 4, 5, 8, 11):
            make_film(composer, columns)
    compiled = [record.getMessage() for record in caplog.records if "Compiling jit(_window)" in record.getMessage()]
    assert len(compiled) == 2


def test_a_sliding_condition_gives_each_window_its_own() -> None:
    first = {name: value[0] for name, value in batch(ALIGNED).items() if name != "target_video"}
    second = {name: value[1] for name, value in batch(ALIGNED).items() if name != "target_video"}
    fixed, *others = (make_film(ALIGNED, 8, conditions=given)[0] for given in ([first], [first, second], [first] * 2))
    np.testing.assert_array_equal(others[1], fixed)
    np.testing.assert_array_equal(others[0][:, :, :COLUMNS], fixed[:, :, :COLUMNS])
    assert (others[0] != fixed).any()


def test_half_precision_composes_too_and_says_nearly_the_same() -> None:
    half = dataclasses.replace(ALIGNED, net=ALIGNED.net.clone(dtype=jnp.bfloat16))
    full, rough = (one.window(params(ALIGNED), batch(ALIGNED), none_known(), KEY, takes=2) for one in (ALIGNED, half))
    assert rough.shape == full.shape and rough.min() >= 0 and rough.max() < CODES
    # One different code changes all that follow; the first column has seen the example alone.
    assert (np.asarray(rough)[:, :, 0] == np.asarray(full)[:, :, 0]).mean() > 0.5
