"""Laws of prediction: a film is predicted as its clips are, in windows that nobody notices, with the lag taken out."""

import functools
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest

from vis2sound_jax.audio.cochlear_pca import RootPCA, from_targets
from vis2sound_jax.data.impacts import STEPS, Clip, Streams
from vis2sound_jax.models.impact_lstm import ImpactLSTM
from vis2sound_jax.systems.vis.predict import Predictor

NET = ImpactLSTM(width=6, layers=2, sound=2, head_width=4)
PCA = RootPCA(np.full(3, 1.0, np.float32), np.eye(3, 2, dtype=np.float32))
FRAMES, WINDOW, FPS = 15, 20, 10.0


@functools.cache
def seen(t: int, *, still: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Motion and colours of a film; those of one that stands still are the same in all frames."""
    rng = np.random.default_rng(t)
    colour = rng.uniform(0, 2, (t, 3)).astype(np.float32)
    return rng.uniform(0, 2, (t, 5)).astype(np.float32), np.broadcast_to(colour[:1], (t, 3)) if still else colour


@functools.cache
def params() -> Any:
    motion, colour = seen(FRAMES)
    shapes = jax.eval_shape(NET.init, jax.random.key(0), motion[None], colour[:1])["params"]
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: (0.5 * rng.standard_normal(leaf.shape)).astype(np.float32), shapes)


def predictor(*, lag: int = 0, recurrent: bool = True) -> Predictor:
    section = SimpleNamespace(frames=FRAMES, lag=lag)
    synthesis = SimpleNamespace(window_s=WINDOW / FPS, overlap=0.3)
    return Predictor(NET.clone(recurrent=recurrent), params(), PCA, section, FPS, synthesis)


def streams(t: int) -> Streams:
    motion, colour = seen(t)
    stores: list[Any] = [{"film": motion}, {"film": colour}]
    return Streams(*stores)


def test_clips_are_what_the_network_says_in_envelopes() -> None:
    clips = [Clip("film", first) for first in (0, 4, 30)]
    found = predictor().clips(streams(40), clips)
    assert found.shape == (3, STEPS * FRAMES, 3) and found.dtype == np.float32 and (found >= 0).all()
    motion, colour = seen(40)
    said = NET.apply({"params": params()}, motion[None, 4:19], colour[4:5])
    np.testing.assert_allclose(found[1], from_targets(np.asarray(said), PCA)[0], rtol=1e-4)


def test_many_clips_are_predicted_in_batches_and_each_as_alone() -> None:
    clips = [Clip("film", k % 26) for k in range(70)]
    found = predictor().clips(streams(40), clips)
    assert len(found) == 70
    np.testing.assert_allclose(found[66], predictor().clips(streams(40), [clips[66]])[0], rtol=1e-5)


def test_a_short_film_is_predicted_like_a_clip() -> None:
    found = predictor().film(*seen(FRAMES))
    clip = predictor().clips(streams(FRAMES), [Clip("film", 0)])[0]
    np.testing.assert_allclose(found, clip, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("t", [1, 7, WINDOW - 1, WINDOW, WINDOW + 1, 57])
@pytest.mark.parametrize("lag", [0, 2])
def test_a_film_of_any_length_has_three_steps_a_frame(t: int, lag: int) -> None:
    found = predictor(lag=lag).film(*seen(t))
    assert found.shape == (STEPS * t, 3) and np.isfinite(found).all()


def test_the_lag_is_taken_out() -> None:
    """What a network with a lag says two frames later belongs to now."""
    motion, colour = seen(12)
    held = [np.concatenate([rows, rows[-1:], rows[-1:]]) for rows in (motion, colour)]
    plain = predictor().film(*held)
    np.testing.assert_allclose(predictor(lag=2).film(motion, colour), plain[2 * STEPS :], rtol=1e-4, atol=1e-6)


def test_windows_do_not_show_where_nothing_is_remembered() -> None:
    motion, colour = seen(57, still=True)
    found = predictor(recurrent=False).film(motion, colour)
    said = NET.clone(recurrent=False).apply({"params": params()}, motion[None], colour[:1])
    np.testing.assert_allclose(found, from_targets(np.asarray(said), PCA)[0], rtol=1e-4, atol=1e-6)


def test_the_first_window_begins_a_long_film() -> None:
    motion, colour = seen(57)
    short, whole = (predictor().film(motion[:t], colour[:t]) for t in (WINDOW, 57))
    sure = STEPS * (WINDOW - round(0.3 * WINDOW))
    np.testing.assert_allclose(whole[:sure], short[:sure], rtol=1e-4, atol=1e-6)
