"""Laws of watching: films of any length, windows without seams, the mirror image is the same film."""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.generation.watch import WINDOW_FRAMES, Seen, Watcher, windows_of
from vis2sound_jax.models.impact_net import ImpactNet
from vis2sound_jax.video.motion import motion_maps

NET = ImpactNet(widths=(4, 4), width=4, dilations=(1,), bands=2)
PERIOD = 50
# How far a frame's onset depends on others; see impact_net_test.
REACH = 6


@functools.cache
def params() -> Any:
    start = jax.jit(NET.init)(jax.random.key(0), jnp.zeros((1, 4, 8, 8)))["params"]
    return jax.tree.map(lambda leaf: leaf + 0.2 * jax.random.normal(jax.random.key(leaf.size), leaf.shape), start)


def film(frames: int) -> np.ndarray:
    """Noise that repeats every 50 frames and rests where it does: every window moves as much as the whole."""
    noise = np.random.default_rng(0).integers(0, 256, (PERIOD, 8, 8), np.uint8)
    noise[-1] = noise[0]
    return np.tile(noise, (-(-frames // PERIOD), 1, 1))[:frames]


def watch(frames: np.ndarray, *, mirrored: bool = False) -> Seen:
    return Watcher(NET, mirrored=mirrored).watch({"params": params()}, frames)


def in_one_pass(frames: np.ndarray) -> Seen:
    found = NET.apply({"params": params()}, frames[None] / np.float32(255))
    return Seen(np.asarray(found.features[0]), np.asarray(jax.nn.sigmoid(found.onset[0])))


@pytest.mark.parametrize("frames", [1, 40, 149, 150, 151, 199, 200, 201, 330])
def test_every_frame_of_a_film_of_any_length_is_seen(frames: int) -> None:
    seen = watch(film(frames))
    assert seen.features.shape == (frames, 4) and seen.onset.shape == (frames,)
    assert seen.features.dtype == seen.onset.dtype == np.float32
    assert np.isfinite(seen.features).all() and ((seen.onset > 0) & (seen.onset < 1)).all()


@pytest.mark.parametrize("frames", [1, 40, 150, 151, 330])
def test_motion_is_measured_once_for_every_frame(frames: int) -> None:
    seen = watch(film(frames))
    np.testing.assert_array_equal(seen.maps, motion_maps(film(frames)))
    assert seen.maps.dtype == np.float32


def test_a_film_of_one_window_is_seen_in_one_pass() -> None:
    seen, expected = watch(film(WINDOW_FRAMES)), in_one_pass(film(WINDOW_FRAMES))
    np.testing.assert_allclose(seen.features, expected.features, atol=1e-4)
    np.testing.assert_allclose(seen.onset, expected.onset, atol=1e-4)


def test_a_short_film_keeps_its_contrast() -> None:
    half = WINDOW_FRAMES // 2
    seen, expected = watch(film(half)), in_one_pass(film(half))
    np.testing.assert_allclose(seen.features[: half - REACH], expected.features[: half - REACH], atol=1e-4)


def test_overlapping_windows_agree_with_a_single_pass() -> None:
    seen, expected = watch(film(250)), in_one_pass(film(250))
    near_a_border = {k for border in (100, 150) for k in range(border - REACH, border + REACH)}
    inside = np.array(sorted(set(range(250)) - near_a_border))
    np.testing.assert_allclose(seen.onset[inside], expected.onset[inside], atol=1e-3)
    np.testing.assert_allclose(seen.features[inside], expected.features[inside], atol=1e-3)
    assert np.abs(seen.onset - expected.onset).max() < 0.2


def test_the_mirror_image_is_the_same_film_to_who_watches_both() -> None:
    there, back = (watch(film(60)[:, :, ::step], mirrored=True) for step in (1, -1))
    np.testing.assert_allclose(there.onset, back.onset, atol=1e-5)
    np.testing.assert_allclose(there.features, back.features, atol=1e-5)
    halves = [watch(film(60)[:, :, ::step]) for step in (1, -1)]
    assert np.abs(halves[0].onset - halves[1].onset).max() > 1e-4
    np.testing.assert_allclose(there.features, (halves[0].features + halves[1].features) / 2, atol=1e-5)


@pytest.mark.parametrize("starts", [[0], [0, 100, 150], [5, 40], [0, 20, 20], [290]])
def test_windows_are_cut_from_a_film_that_is_read_once(starts: list[int]) -> None:
    frames, read = film(300), []

    def once() -> Iterator[np.ndarray]:
        for k, frame in enumerate(frames):
            read.append(k)
            yield frame

    class Reel:
        def __len__(self) -> int:
            return len(frames)

        def __iter__(self) -> Iterator[np.ndarray]:
            return once()

    windows = list(windows_of(Reel(), starts, WINDOW_FRAMES))
    assert [start for start, _ in windows] == starts and read == sorted(set(read))
    for start, clip in windows:
        np.testing.assert_array_equal(clip, frames[start : start + WINDOW_FRAMES])
