"""Laws of space-time images and of clips around an impact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.video.spacetime import centred_frames, spacetime_images


def test_spacetime_images_hold_the_neighbours_in_time():
    grey = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)
    images = spacetime_images(grey)
    assert images.shape == (5, 4, 3, 3) and images.dtype == np.uint8
    np.testing.assert_array_equal(images[..., 1], grey)
    np.testing.assert_array_equal(images[1:, ..., 0], grey[:-1])
    np.testing.assert_array_equal(images[:-1, ..., 2], grey[1:])
    np.testing.assert_array_equal(images[0, ..., 0], grey[0])
    np.testing.assert_array_equal(images[-1, ..., 2], grey[-1])


def test_numpy_and_jax_agree_compiled_and_in_batches():
    grey = np.random.default_rng(1).uniform(size=(2, 6, 4, 3)).astype(np.float32)
    wanted = np.stack([spacetime_images(one) for one in grey])
    np.testing.assert_array_equal(jax.jit(jax.vmap(spacetime_images))(grey), wanted)
    assert isinstance(spacetime_images(jnp.asarray(grey[0])), jax.Array)


def test_one_frame_is_its_own_neighbour():
    np.testing.assert_array_equal(spacetime_images(np.full((1, 2, 2), 7)), np.full((1, 2, 2, 3), 7))
    assert spacetime_images(np.zeros((0, 2, 2))).shape == (0, 2, 2, 3)


@pytest.mark.parametrize("fps", [15, 29.97, 30000 / 1001, 30])
def test_the_middle_frame_shows_the_moment(fps):
    for frame in range(1000):
        assert centred_frames(frame / fps, fps) == frame - 7
        assert centred_frames((frame + 0.99) / fps, fps) == frame - 7
    assert centred_frames(1.0, fps, frames=1) == int(fps + 1e-6)
