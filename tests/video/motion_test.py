"""Laws of motion energy: where something moves, by how much, the same by the piece as for the whole film."""

import numpy as np
import pytest

from vis2sound_jax.models.event_reader import MOTION_CURVES
from vis2sound_jax.video.motion import MAP_SHAPE, motion_curves, motion_maps, places_of_motion

FPS = 25.0
SIZES = [(90, 160), (72, 128), (112, 112), (97, 131), (9, 16), (8, 8), (3, 40)]


def film(frames=30, size=(90, 160), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (frames, *size), np.uint8)


def square(places, size=(180, 320), side=12):
    """A white square on grey, with its middle at places (x, y) in [0, 1]."""
    frames = np.full((len(places), *size), 90, np.uint8)
    for frame, (x, y) in zip(frames, places, strict=True):
        row, column = round(y * size[0] - side / 2), round(x * size[1] - side / 2)
        frame[max(row, 0) : row + side, max(column, 0) : column + side] = 255
    return frames


@pytest.mark.parametrize("size", SIZES)
def test_maps_are_mean_differences_of_every_block(size):
    frames = film(4, size)
    maps = motion_maps(frames)
    assert maps.shape == (4, *MAP_SHAPE) and maps.dtype == np.float32 and not maps[0].any()
    assert maps.min() >= 0 and maps.max() <= 1 and np.isfinite(maps).all()
    if size in ((90, 160), (72, 128), (9, 16)):
        apart = np.abs(np.diff(frames.astype(float), axis=0)) / 255
        blocks = apart.reshape(3, MAP_SHAPE[0], size[0] // MAP_SHAPE[0], MAP_SHAPE[1], size[1] // MAP_SHAPE[1])
        np.testing.assert_allclose(maps[1:], blocks.mean(axis=(2, 4)), atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_an_even_change_is_the_same_in_every_block(size):
    frames = np.stack([np.full(size, level, np.uint8) for level in (10, 61, 61)])
    maps = motion_maps(frames)
    np.testing.assert_allclose(maps[1], 51 / 255, rtol=1e-5)
    assert not maps[2].any()


@pytest.mark.parametrize("cuts", [[10], [1, 2, 29], [15, 15]])
def test_chunks_that_know_the_picture_before_give_the_whole(cuts):
    frames, parts = film(), []
    for start, stop in zip([0, *cuts], [*cuts, len(frames)], strict=True):
        parts.append(motion_maps(iter(frames[start:stop]), frames[start - 1] if start else None))
    np.testing.assert_array_equal(np.concatenate(parts), motion_maps(frames))


def test_grey_pictures_in_colour_move_the_same():
    grey = film(5)
    colour = np.repeat(grey[..., None], 3, axis=-1)
    np.testing.assert_allclose(motion_maps(colour), motion_maps(grey), atol=1e-5)
    blue = np.zeros((2, 90, 160, 3), np.uint8)
    blue[1, ..., 2] = 255
    np.testing.assert_allclose(motion_maps(blue)[1], 0.114, atol=1e-4)


@pytest.mark.parametrize("place", [(0.1, 0.2), (0.5, 0.5), (0.93, 0.7), (0.3, 0.95)])
@pytest.mark.parametrize("size", [(180, 320), (131, 97)])
def test_a_moving_square_is_found_within_a_block(place, size):
    shown = [(place[0] + 0.02 * (k % 2), place[1]) for k in range(10)]
    # It rests far away for the rest of the film.
    frames = square([(0.7, 0.1)] * 10 + shown + [(0.2, 0.8)] * 10, size, side=8)
    (found,) = places_of_motion(motion_maps(frames), FPS, np.array([15.5 / FPS]))
    assert abs(found[0] - place[0] - 0.01) <= 1 / MAP_SHAPE[1] and abs(found[1] - place[1]) <= 1 / MAP_SHAPE[0]


def test_each_time_has_its_own_place():
    places = [(0.2, 0.3)] * 20 + [(0.8, 0.6)] * 20
    frames = square([(x + 0.02 * (k % 2), y) for k, (x, y) in enumerate(places)])
    found = places_of_motion(motion_maps(frames), FPS, np.array([0.4, 1.2, 9.0, -1.0]))
    assert found.shape == (4, 2) and found.dtype == np.float32
    np.testing.assert_allclose(found[:2, 0], [0.21, 0.81], atol=1 / MAP_SHAPE[1])
    np.testing.assert_allclose(found[2:, 0], [0.81, 0.21], atol=1 / MAP_SHAPE[1])


def test_where_nothing_or_everything_moves_the_middle_stands():
    still = motion_maps(np.zeros((20, 90, 160), np.uint8))
    np.testing.assert_array_equal(places_of_motion(still, FPS, np.array([0.1, 0.5])), 0.5)
    noise = places_of_motion(motion_maps(film(40)), FPS, np.array([0.4, 0.8]))
    assert np.abs(noise - 0.5).max() < 0.2


def test_curves_are_relative_to_the_film():
    maps = motion_maps(film(40))
    maps[20] *= 3
    curves = motion_curves(maps)
    assert curves.shape == (40, MOTION_CURVES) and curves.dtype == np.float32
    np.testing.assert_allclose(np.median(curves, axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(curves[20], np.log(3), atol=0.05)
    np.testing.assert_allclose(motion_curves(0.5 * maps)[1:], curves[1:], atol=0.02)


def test_one_block_moves_the_maximum_most():
    maps = np.full((9, *MAP_SHAPE), 0.01, np.float32)
    maps[4, 3, 5] = 0.3
    mean, rms, high, most = motion_curves(maps)[4]
    assert most > rms > mean > 0 and high == pytest.approx(0, abs=1e-6)


def test_an_empty_film_has_nothing():
    maps = motion_maps([])
    assert maps.shape == (0, *MAP_SHAPE) and motion_curves(maps).shape == (0, MOTION_CURVES)
    np.testing.assert_array_equal(places_of_motion(maps, FPS, np.array([0.0, 1.0])), 0.5)
    assert places_of_motion(motion_maps(film(3)), FPS, np.zeros(0)).shape == (0, 2)
