"""Laws of drawing and camera: bodies cover what is behind them, a picture shown twice is the same twice."""

from typing import Any

import numpy as np

from vis2sound_jax.world.everyday.camera import draw_camera, draw_clock, draw_light, record
from vis2sound_jax.world.everyday.cast import Cast, Look
from vis2sound_jax.world.everyday.draw import draw

LOOK = Look(power=8.0, tone=0.9, contrast=0.0, pattern=1.0, slant=0.0, phase=0.0, softness=1.0, shade=0.0)


def drawn(paths: Any, camera: Any = (0, 0, 1, 0), light: float = 1.0, look: Look = LOOK) -> np.ndarray:
    path = np.asarray(paths, np.float32)[None, None]
    cameras = np.asarray(camera, np.float32)[None, None]
    waves = np.zeros((1, 5), np.float32)
    looks = np.array([look] * path.shape[2], np.float32)
    lights, seconds = np.full(1, light, np.float32), np.zeros((1, 1), np.float32)
    return np.asarray(draw(path, looks, waves, cameras, lights, seconds, height=40, width=80))[0]


def test_a_body_is_where_it_is_put_and_as_large() -> None:
    picture = drawn([[0.5, 0.0, 0.0, 0.25, 0.25, 1.0]])
    assert abs(picture[20, 60] - 0.9) < 1e-3 and abs(picture[20, 20] - 0.5) < 1e-3
    assert abs((picture > 0.7).sum() - 400) < 40


def test_nearer_bodies_cover_and_hidden_ones_do_not_show() -> None:
    path = [0.0, 0.0, 0.0, 0.3, 0.3, 1.0]
    hidden = [*path[:5], 0.0]
    np.testing.assert_array_equal(drawn([path, hidden]), drawn([path]))
    np.testing.assert_allclose(drawn([hidden]), 0.5, atol=1e-6)


def test_the_camera_moves_the_picture_the_other_way_and_light_scales_it() -> None:
    path = [[0.0, 0.0, 0.0, 0.25, 0.25, 1.0]]
    moved = drawn(path, camera=(0.5, 0, 1, 0))
    np.testing.assert_allclose(moved[:, :60], drawn(path)[:, 20:], atol=1e-4)
    np.testing.assert_allclose(drawn(path, light=2.0), 2 * drawn(path), rtol=1e-6)


def test_a_slower_source_repeats_its_pictures() -> None:
    for seed in range(12):
        clock = draw_clock(np.random.default_rng(seed), 50, 25.0)
        repeated = np.diff(clock.picture) == 0
        assert (clock.moments[1:][repeated] == clock.moments[:-1][repeated]).all()
        assert (np.diff(clock.picture) >= 0).all() and clock.moments.shape == (50, 2)


def test_repeated_pictures_are_recorded_alike() -> None:
    rng = np.random.default_rng(0)
    pictures = np.repeat(rng.uniform(0, 1, (10, 16, 24)).astype(np.float32), 3, axis=0)
    clock = draw_clock(rng, 30, 25.0)._replace(picture=np.repeat(np.arange(10), 3))
    for seed in range(10):
        frames = record(np.random.default_rng(seed), pictures, clock)
        assert frames.dtype == np.uint8
        for k in range(0, 30, 3):
            assert (frames[k] == frames[k + 1]).all() and (frames[k] == frames[k + 2]).all()


def test_camera_and_light_are_finite_and_follow_the_cast() -> None:
    moments = np.arange(40)[:, None] / 25 + np.zeros(2)
    for seed in range(12):
        cast = Cast(np.random.default_rng(seed), moments)
        cast.events, cast.light = [0.5], np.where(np.arange(40) == 12, 3.0, 1.0)
        camera, light = draw_camera(cast), draw_light(cast)
        assert camera.shape == (40, 2, 4) and np.isfinite(camera).all() and (camera[..., 2] > 0).all()
        assert np.argmax(light) == 12
