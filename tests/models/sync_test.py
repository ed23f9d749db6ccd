"""Laws of the scorer: a later sound moves the logits, what is masked says nothing, evidence adds up."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.generation.offsets import offset_logits
from vis2sound_jax.generation.watch import Seen
from vis2sound_jax.models.sync import SyncNet

NET = SyncNet(lags=6, hidden=8, width=4, bands=2, dropout=0.0)
FRAMES, SIZE = 30, 5


@functools.cache
def inputs() -> tuple[np.ndarray, ...]:
    """Nothing but one thing seen and heard in the middle."""
    rng = np.random.default_rng(0)
    features, onset = np.zeros((1, FRAMES, SIZE), np.float32), np.full((1, FRAMES), 0.01, np.float32)
    sound = np.zeros((1, FRAMES, 4, 4), np.float32)
    features[:, 14], onset[:, 14], sound[:, 14] = rng.random(SIZE), 0.9, rng.random((4, 4))
    return features, onset, sound, np.ones((1, FRAMES), np.float32)


@functools.cache
def params() -> Any:
    return NET.init(jax.random.key(0), *inputs())["params"]


def logits(*changed: np.ndarray) -> np.ndarray:
    return np.asarray(NET.apply({"params": params()}, *changed))[0]


def test_a_sound_k_frames_later_moves_the_logits_by_k_classes() -> None:
    features, onset, sound, mask = inputs()
    # Silence pairs with silence at every lag; only the middle differs, so edges are left out of the comparison.
    quiet = logits(features, onset, np.zeros_like(sound), mask)
    base = logits(features, onset, sound, mask) - quiet
    for k in (-2, 1, 3):
        moved = logits(features, onset, np.roll(sound, k, axis=1), mask) - quiet
        inside = slice(3, -3)
        np.testing.assert_allclose(np.roll(moved, -k)[inside], base[inside], atol=1e-4)


def test_what_is_masked_says_nothing() -> None:
    features, onset, sound, mask = inputs()
    half = mask.copy()
    half[:, 20:] = 0
    other = features.copy(), onset.copy(), sound.copy()
    for value in other:
        value[:, 23:] = 0.7  # three frames further the networks still look
    np.testing.assert_allclose(logits(*other, half), logits(features, onset, sound, half), atol=1e-5)
    np.testing.assert_array_equal(logits(features, onset, sound, 0 * mask), np.zeros(13))


def test_any_size_of_features_and_any_length_fit() -> None:
    for size, frames in ((3, 25), (40, 31)):
        net = SyncNet(lags=2, hidden=4, width=2, bands=4)
        shapes = (1, frames, size), (1, frames), (1, frames, 4, 8), (1, frames)
        out = net.init_with_output(jax.random.key(1), *(jnp.ones(shape) * 0.5 for shape in shapes))[0]
        assert out.shape == (1, 5) and bool(jnp.isfinite(out).all())


def test_windows_of_a_long_film_add_up_and_soundtracks_are_scored_apart() -> None:
    features, onset, sound, mask = inputs()
    seen = Seen(np.tile(features[0], (2, 1))[:50], np.tile(onset[0], 2)[:50])
    sounds = np.stack([np.tile(sound[0], (2, 1, 1))[:50], np.zeros((50, 4, 4), np.float32)])
    # A log-mel whose columns lie just at the four moments of every frame.
    mels = [sound.reshape(200, 4).T for sound in sounds]
    clock = {"hop_s": 1 / 100, "fps": 25.0, "first_frame_s": -0.5 / 100}
    found = offset_logits(NET, params(), seen, mels, FRAMES, **clock)
    assert found.shape == (2, 13)
    short = mask.copy()
    short[:, 20:] = 0
    held = [np.repeat(x[:, :20], [1] * 19 + [11], axis=1) for x in (features, onset, sound)]
    np.testing.assert_allclose(found[0], logits(*inputs()) + logits(*held, short), atol=1e-4)
    np.testing.assert_allclose(found[1], offset_logits(NET, params(), seen, mels[1:], FRAMES, **clock)[0], atol=1e-4)
