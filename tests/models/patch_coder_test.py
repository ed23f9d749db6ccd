"""Laws of the patch coder: codes and back, books from sound, books that go on from others."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.patch_coder import Books, PatchCoder, fit_books

NET = PatchCoder(n_mels=8, rows=3, frames=4, codes=16, outline=2)
COLUMNS = 24


@functools.cache
def mel() -> jax.Array:
    """Columns of eight shapes, each a little different every time, half of them soft."""
    rng = np.random.default_rng(0)
    shapes = rng.uniform(0.1, 0.9, (8, 8, 4))
    chosen = shapes[rng.integers(8, size=(6, COLUMNS))] + rng.normal(0, 0.02, (6, COLUMNS, 8, 4))
    chosen *= rng.choice([0.1, 1.0], (6, COLUMNS, 1, 1))
    return jnp.asarray(chosen.clip(0, 1).transpose(0, 2, 1, 3).reshape(6, 8, COLUMNS * 4), jnp.float32)


@functools.cache
def books() -> Books:
    return fit_books(NET, mel(), jax.random.key(0))


@functools.partial(jax.jit, static_argnames="method")
def apply(weights: Books, argument: jax.Array, method: str | None = None) -> jax.Array:
    return NET.apply({"params": weights}, argument, method=method)


def error(weights: Books) -> float:
    return float(jnp.abs(apply(weights, mel()) - mel()).mean())


def test_a_pass_is_codes_and_back() -> None:
    grid = apply(books(), mel(), method="encode")
    assert grid.shape == (6, NET.rows, COLUMNS) and grid.dtype == jnp.int32
    assert 0 <= int(grid.min()) and int(grid.max()) < NET.codes
    decoded = apply(books(), grid, method="decode")
    np.testing.assert_array_equal(decoded, apply(books(), mel()))
    assert decoded.shape == mel().shape and float(decoded.min()) >= 0 and float(decoded.max()) <= 1


def test_columns_are_coded_alone_and_in_their_order() -> None:
    grid = apply(books(), mel(), method="encode")
    alone = apply(books(), mel()[2:3, :, 5 * 4 : 6 * 4], method="encode")
    np.testing.assert_array_equal(alone[0, :, 0], grid[2, :, 5])


def test_an_outline_holds_the_means_of_its_bands_and_details_the_rest() -> None:
    columns = apply(books(), mel(), method="columns")
    means = apply(books(), columns, method="outline_of")
    np.testing.assert_allclose(means.reshape(-1, 2, 4)[3, 1], columns[3, 4:].mean(0), rtol=1e-5)
    drawn = NET.apply({"params": books()}, means, method="drawn")
    np.testing.assert_allclose(drawn[3, 4:], np.tile(columns[3, 4:].mean(0), (4, 1)), rtol=1e-5)
    details = apply(books(), columns, method="details_of")
    np.testing.assert_array_equal(details[1, 3], columns[3, 4:].reshape(-1))


def test_fitted_books_code_far_better_than_one_average() -> None:
    flat = float(jnp.abs(mel() - mel().mean()).mean())
    assert error(books()) < 0.25 * flat


def test_the_same_sound_and_key_fit_the_same_books() -> None:
    again, other = (fit_books(NET, mel(), jax.random.key(k)) for k in (0, 1))
    for name, book in books().items():
        np.testing.assert_array_equal(book, again[name])
        assert np.abs(book - other[name]).max() > 0


def test_books_that_go_on_keep_the_meaning_of_their_codes() -> None:
    other = mel() * 0.95
    moved = fit_books(NET, other, jax.random.key(1), start=books())
    before, after = (apply(weights, mel(), method="encode") for weights in (books(), moved))
    assert float((before[:, 0] == after[:, 0]).mean()) > 0.7  # a code more is a chance of 1 in 16
    assert float(jnp.abs(apply(moved, other) - other).mean()) <= error(books())


def test_progress_counts_the_books() -> None:
    seen: list[tuple[int, int]] = []
    fit_books(NET, mel(), jax.random.key(0), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match="a mel of 6 frames does not divide into columns of 4; pad or cut it"):
        apply(books(), jnp.zeros((1, 8, 6)), method="encode")
    with pytest.raises(UserError, match="k-means of 16 codes got"):
        fit_books(NET, mel()[:1, :, :40], jax.random.key(0))
