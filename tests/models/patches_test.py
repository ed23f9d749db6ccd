"""Laws of patches, differences and the map of motion."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from vis2sound_jax.models.patches import frame_differences, motion_grid, neighbours, next_patches, pixel_cells

T, HEIGHT, WIDTH = 24, 12, 20


@functools.cache
def film() -> jax.Array:
    """Noise in which frame 11 lies between two equal frames."""
    frames = jax.random.uniform(jax.random.key(0), (2, T, HEIGHT, WIDTH), minval=0.2, maxval=0.6)
    return frames.at[:, 12].set(frames[:, 10])


def test_differences_are_signed_relative_to_the_clip_and_zero_at_first() -> None:
    moved = frame_differences(film())
    assert not moved[:, 0].any()
    np.testing.assert_allclose(frame_differences(1 - film()), -moved, atol=1e-5)
    np.testing.assert_allclose(frame_differences(0.5 * film()), moved, rtol=0.1, atol=0.05)
    assert not frame_differences(jnp.full((1, 3, 4, 4), 0.7)).any()


def test_patches_times_a_matrix_are_convolutions() -> None:
    """Compares with XLA's sums over 4 x 4 cells and over 3 x 3 windows every 2 cells."""

    def sums(values: jax.Array, size: int, step: int, pads: list[tuple[int, int]]) -> jax.Array:
        window, strides = (1, 1, size, size, 1), (1, 1, step, step, 1)
        padding = [(0, 0), (0, 0), *pads, (0, 0)]
        return jax.lax.reduce_window(values, 0.0, jax.lax.add, window, strides, padding)[..., 0]

    x = film()[..., None]
    cells = pixel_cells(film())
    assert cells.shape == (2, T, 3, 5, 16)
    np.testing.assert_allclose(cells.sum(-1), sums(x, 4, 4, [(0, 0), (0, 0)]), rtol=1e-5)
    following = next_patches(x[:, :, :3, :5])
    assert following.shape == (2, T, 2, 3, 9)
    np.testing.assert_allclose(following.sum(-1), sums(x[:, :, :3, :5], 3, 2, [(1, 1), (1, 1)]), rtol=1e-5)


def test_the_motion_grid_says_where_it_moves_and_how_much() -> None:
    moved = np.zeros((1, 2, 24, 32), np.float32)
    moved[0, 1, 12:, :16] = -0.5
    found = motion_grid(pixel_cells(jnp.asarray(moved)))
    np.testing.assert_allclose(found[0, 1], [0, 0, 0.5, 0, 0.125], rtol=1e-6)
    assert not found[0, 0].any()


def test_neighbours_are_a_temporal_convolution() -> None:
    x = jax.random.normal(jax.random.key(2), (2, 7, 3))
    conv = nn.Conv(4, (5,), use_bias=False)
    weights = conv.init(jax.random.key(3), x)
    kernel = weights["params"]["kernel"].reshape(-1, 4)
    np.testing.assert_allclose(neighbours(x, 2) @ kernel, conv.apply(weights, x), atol=1e-5)
