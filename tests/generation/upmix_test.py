"""Whole films through the networks of 2.5D Visual Sound: in batches, in order, in any length."""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.audio.binaural import WINDOW, frame_of
from vis2sound_jax.audio.joining import window_starts
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.upmix import Upmixer, predict_difference
from vis2sound_jax.models.audio_unet import AudioUNet
from vis2sound_jax.models.resnet import ResNet

UPMIXER = Upmixer(ResNet((1, 1, 1, 1), (4, 4, 6, 8)), AudioUNet(width=2, reduced=4), windows=5, pictures=4)
FPS = 10.0
RNG = np.random.default_rng(0)
FILM = RNG.integers(0, 256, (17, 32, 64, 3), np.uint8)
MIX = (0.1 * RNG.standard_normal(27_000)).astype(np.float32)


@functools.cache
def variables() -> Any:
    """Random weights; drawn by numpy because compiling `init` takes many times longer."""
    key, stored = jax.random.key(0), {"use_running_average": True}
    eye = functools.partial(UPMIXER.eye.init, **stored)
    net = functools.partial(UPMIXER.net.init, **stored)
    shapes = {
        "visual": jax.eval_shape(eye, key, jnp.zeros((1, 32, 64, 3))),
        "audio": jax.eval_shape(net, key, jnp.zeros((1, 257, 64, 2)), jnp.zeros((1, 1, 2, 8))),
    }
    rng = np.random.default_rng(1)

    def drawn(path: Any, leaf: Any) -> np.ndarray:
        z = rng.standard_normal(leaf.shape).astype(np.float32)
        if path[-1].key in ("scale", "var"):
            return 1 + 0.1 * np.abs(z)
        return z * np.float32(1.4 / np.sqrt(leaf.size / leaf.shape[-1]) if len(leaf.shape) == 4 else 0.1)

    return jax.tree_util.tree_map_with_path(drawn, shapes)


class Counted:
    """A film that counts how often it is looked at."""

    def __init__(self, frames: np.ndarray) -> None:
        self.frames, self.seen = frames, 0

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[np.ndarray]:
        for frame in self.frames:
            self.seen += 1
            yield frame


def whole(mix: np.ndarray, film: Any, **options: Any) -> np.ndarray:
    return np.concatenate(list(predict_difference(UPMIXER, variables(), mix, film, FPS, **options)))


def test_the_result_is_the_mean_of_windows_that_are_predicted_one_by_one() -> None:
    found = whole(MIX, FILM, hop=1600)
    sums, counts = np.zeros(len(MIX)), np.zeros(len(MIX))
    codes = np.concatenate([UPMIXER.codes(variables(), FILM[k : k + 4]) for k in range(0, 16, 4)])
    for start in window_starts(len(MIX), WINDOW, WINDOW - 1600):
        part = np.stack([MIX[start : start + WINDOW]] * 5)
        told = np.stack([codes[frame_of(start, FPS, 17)]] * 5)
        sums[start : start + WINDOW] += np.asarray(UPMIXER.differences(variables(), part, told))[0]
        counts[start : start + WINDOW] += 1
    assert found.shape == MIX.shape
    np.testing.assert_allclose(found, sums / counts, atol=1e-5)
    assert np.abs(found).max() > 1e-3


def test_a_picture_is_looked_at_once_and_none_beyond_the_sound() -> None:
    film = Counted(FILM)
    pieces = predict_difference(UPMIXER, variables(), MIX, film, FPS)
    next(pieces)
    assert film.seen == 8  # five windows see pictures 3 to 5
    assert len(np.concatenate(list(pieces))) < len(MIX)
    assert film.seen <= 16


def test_what_is_seen_matters() -> None:
    assert np.abs(whole(MIX, FILM) - whole(MIX, FILM[:, :, ::-1])).max() > 1e-4


def test_a_short_sound_has_its_own_length() -> None:
    assert whole(MIX[:700], FILM).shape == (700,)


def test_the_level_of_the_truth_is_used_where_it_is_given() -> None:
    ears = np.stack([MIX, 0.5 * MIX])
    same = np.stack([MIX / 2, MIX / 2])
    by_truth, by_mono = whole(MIX, FILM, truth=same), whole(MIX, FILM)
    np.testing.assert_allclose(by_truth, by_mono, atol=1e-5)
    assert np.abs(whole(MIX, FILM, truth=ears) - by_mono).max() > 1e-5


def test_a_film_without_pictures_is_refused() -> None:
    with pytest.raises(UserError, match="film has 0 pictures, so that nothing says where its sounds are; give"):
        whole(MIX, FILM[:0])
