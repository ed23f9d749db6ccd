"""Laws of the two eyes: a frame sees its neighbours only, light is no motion, colour is read where it moves."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.image_streams import ColourStream, Guess, Moved, SoundGuess, SpacetimeStream, look, overview

T, HEIGHT, WIDTH, EVERY = 12, 16, 24, 4
CELLS = (HEIGHT // 8) * (WIDTH // 8)
NET = SoundGuess((4, 8), (4, 4, 5), places=2, every=EVERY, width=6, blocks=1, sound=3, timbres=4, dropout=0.5)
SPACETIME, COLOUR = SpacetimeStream((4, 8), 2), ColourStream((4, 4, 5))


@functools.cache
def film() -> jax.Array:
    """Noise in which frame 6 lies between two equal frames."""
    frames = jax.random.uniform(jax.random.key(0), (2, T, HEIGHT, WIDTH), minval=0.2, maxval=0.6)
    return frames.at[:, 7].set(frames[:, 5])


@functools.cache
def colours() -> jax.Array:
    return jax.random.uniform(jax.random.key(1), (2, T, HEIGHT, WIDTH, 3))


@functools.cache
def params() -> Any:
    shapes = jax.eval_shape(NET.init, jax.random.key(2), film(), colours()[:, ::EVERY])["params"]
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: (0.3 * rng.standard_normal(leaf.shape)).astype(np.float32), shapes)


_guess = jax.jit(NET.apply, static_argnames=("method", "train"))
_moved, _painted = jax.jit(SPACETIME.apply), jax.jit(COLOUR.apply)


def guess(frames: jax.Array, stills: jax.Array, **choices: Any) -> Guess:
    return _guess({"params": params()}, frames, stills, **choices)


def moved(frames: jax.Array) -> Moved:
    return _moved({"params": params()["spacetime"]}, frames)


def painted(images: jax.Array) -> jax.Array:
    return _painted({"params": params()["colour"]}, images)


def test_every_frame_gets_an_onset_a_sound_and_places() -> None:
    found, seen = guess(film(), colours()[:, ::EVERY]), moved(film())
    assert (found.onset.shape, found.sound.shape, found.timbre.shape) == ((2, T), (2, T, 3), (2, T, 4))
    assert seen.places.shape == (2, T, CELLS, 2) and seen.features.shape[:2] == (2, T)
    assert painted(colours()).shape == (2, T, CELLS, 5)


def test_a_frame_matters_to_its_neighbours_in_time_alone() -> None:
    # Reflected about its two equal neighbours the frame moves as much as before: the clip's contrast stays.
    other = film().at[:, 6].set(2 * film()[:, 5] - film()[:, 6])
    before, after = moved(film()), moved(other)
    for one, two in ((before.features, after.features), (before.places, after.places)):
        change = np.abs(one - two).reshape(2, T, -1).max(axis=(0, 2))
        assert change[5:8].min() > 1e-3
        change[5:8] = 0
        assert change.max() < 1e-5


def test_light_does_not_matter_to_motion_but_colour_does_to_looks() -> None:
    np.testing.assert_allclose(moved(film() + 0.3).features, moved(film()).features, atol=1e-4)
    np.testing.assert_allclose(moved(film() + 0.3).places, moved(film()).places, atol=1e-4)
    assert np.abs(painted(0.5 * colours()) - painted(colours())).max() > 1e-2


def test_a_picture_does_not_depend_on_the_others() -> None:
    np.testing.assert_allclose(painted(colours()[:, ::-1])[:, ::-1], painted(colours()), atol=1e-5)
    # Nor a cell on what is far away: the first cell sees 2 x 2 cells around it and a little more.
    far = colours().at[:, :, :, 20:].set(0.0)
    there, here = painted(far), painted(colours())
    np.testing.assert_allclose(there[:, :, 0], here[:, :, 0], atol=1e-5)
    assert np.abs(there - here)[:, :, 2].max() > 1e-2


def test_a_sharp_look_reads_one_cell_of_the_frames_own_map() -> None:
    maps = jax.random.normal(jax.random.key(3), (2, 3, CELLS, 5))
    cells = np.random.default_rng(0).integers(CELLS, size=(2, T, 2))
    logits = 1e3 * jax.nn.one_hot(cells, CELLS, axis=2)
    found = look(maps, logits, EVERY)
    shown = np.asarray(maps)[np.arange(2)[:, None, None], np.arange(T)[:, None] // EVERY, cells]
    np.testing.assert_allclose(found, shown.reshape(2, T, -1), rtol=1e-5)


def test_an_even_look_reads_the_mean_and_an_overview_mean_and_maximum() -> None:
    maps = jax.random.normal(jax.random.key(3), (1, 2, CELLS, 5))
    found = look(maps, jnp.zeros((1, 7, CELLS, 1)), EVERY)
    assert found.shape == (1, 7, 5)
    np.testing.assert_allclose(found[0, 3:5], maps[0].mean(1), atol=1e-5)
    np.testing.assert_allclose(overview(maps), jnp.concatenate([maps.mean(2), maps.max(2)], -1), rtol=1e-5)


def test_watching_applies_the_streams_to_all_frames_but_the_ends() -> None:
    frames = jnp.concatenate([film(), film()[:, 2:4]], axis=1)
    motion, looks = _guess({"params": params()}, frames, colours(), method="watch")
    alone, maps = moved(frames), painted(colours())
    seen = look(maps[:, ::EVERY], alone.places[:, 1:-1], EVERY)
    np.testing.assert_allclose(motion, jnp.concatenate([alone.features[:, 1:-1], seen], axis=-1), atol=1e-5)
    np.testing.assert_allclose(looks, overview(maps), atol=1e-5)


def test_few_colours_give_the_same_motion_and_an_overview_that_is_held() -> None:
    frames = jnp.concatenate([film(), film()[:, 2:4]], axis=1)
    motion, looks = _guess({"params": params()}, frames, colours(), method="watch")
    same, held = _guess({"params": params()}, frames, colours()[:, ::EVERY], method="watch")
    np.testing.assert_allclose(same, motion, atol=1e-5)
    np.testing.assert_allclose(held, np.repeat(looks[:, ::EVERY], EVERY, axis=1), atol=1e-5)


def test_watching_gives_what_the_guess_was_trained_on() -> None:
    """Of a film whose colours stand still, so that it does not matter which frame is the first."""
    frames, still = jnp.concatenate([film(), film()[:, 2:4]], axis=1), colours()[:, :1]
    motion, looks = _guess({"params": params()}, frames, jnp.repeat(still, T, axis=1), method="watch")
    entered = []

    def listen(following: Any, arguments: Any, keywords: Any, context: Any) -> Any:
        if context.module.name == "enter":
            entered.append(arguments[0])
        return following(*arguments, **keywords)

    @jax.jit
    def enter(weights: Any, frames: jax.Array, stills: jax.Array) -> jax.Array:
        with nn.intercept_methods(listen):
            NET.apply({"params": weights}, frames, stills)
        return entered[0]

    seen = enter(params(), frames, jnp.repeat(still, 1 + T // EVERY, axis=1))
    np.testing.assert_allclose(seen[:, 1:-1], jnp.concatenate([motion, looks], axis=-1), atol=1e-5)


def test_training_drops_features() -> None:
    first, again, other = (
        guess(film(), colours()[:, ::EVERY], train=True, rngs={"dropout": jax.random.key(seed)}).sound
        for seed in (0, 0, 1)
    )
    assert np.abs(first - other).max() > 1e-4
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(("height", "width"), [(18, 24), (16, 22)])
def test_sizes_that_do_not_fit_the_cells_are_refused(height: int, width: int) -> None:
    message = f"frames are {height} x {width}; the streams need multiples of 4 pixels"
    with pytest.raises(UserError, match=message):
        SPACETIME.init(jax.random.key(0), jnp.zeros((1, 2, height, width)))
    with pytest.raises(UserError, match=message):
        COLOUR.init(jax.random.key(0), jnp.zeros((1, 2, height, width, 3)))
