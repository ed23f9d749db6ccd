"""Pictures as patches, differences and coarse maps of motion: the parts that small video networks share.

On so few channels XLA's CPU backend multiplies patches by a matrix several times faster, backward pass included,
than it convolves.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

CONTRAST_FLOOR = 0.004
"""Added to a clip's own contrast of motion (grey values in [0, 1]), so that sensor noise stays small."""
ENERGIES = 8
"""Values of `motion_energy` a frame."""
ENERGY_FLOOR = 1e-3
"""Added to energies of motion before the logarithm, of the full range; below it there is only noise."""
LIGHT_FLOOR, CLEAR_LIGHT = 0.002, 0.01
"""Changes of the mean grey value: one that hides in noise, and one that is plain to see."""


def frame_differences(frames: Float[Array, "b t h w"]) -> Float[Array, "b t h w"]:
    """Returns each frame less the one before, relative to the clip's contrast and compressed like a log.

    Args:
      frames: grey values in [0, 1].

    Returns:
      sign(d) log(1 + |d| / s) with s the root mean square of all differences of the clip; zero at t = 0.
    """
    moved = jnp.diff(frames, axis=1, prepend=frames[:, :1])
    scale = jnp.sqrt(jnp.mean(moved**2, axis=(1, 2, 3), keepdims=True)) + CONTRAST_FLOOR
    return jnp.sign(moved) * jnp.log1p(jnp.abs(moved) / scale)


def pixel_cells(x: Float[Array, "b t h w"]) -> Float[Array, "b t y x p"]:
    """Cuts cells of 4 x 4 pixels."""
    b, t, h, w = x.shape
    return x.reshape(b, t, h // 4, 4, w // 4, 4).transpose(0, 1, 2, 4, 3, 5).reshape(b, t, h // 4, w // 4, 16)


def motion_grid(cells: Float[Array, "b t y x p"]) -> Float[Array, "b t g"]:
    """Mean size of the differences in regions of 12 x 16 pixels, and in the whole picture."""
    b, t, h, w, _ = cells.shape
    size = jnp.abs(cells).mean(axis=-1)
    padded = jnp.pad(size, ((0, 0), (0, 0), (0, -h % 3), (0, -w % 4)))
    regions = padded.reshape(b, t, padded.shape[2] // 3, 3, padded.shape[3] // 4, 4).mean((3, 5)).reshape(b, t, -1)
    return jnp.concatenate([regions, regions.mean(axis=-1, keepdims=True)], axis=-1)


def motion_energy(frames: Float[Array, "b t h w"]) -> Float[Array, "b t e"]:
    """Plain energy of motion over time, relative to the clip's own: it rises, stops and turns as sound does.

    Args:
      frames: grey values in [0, 1], height and width of at least 8.

    Returns:
      `ENERGIES` values a frame: the logarithm of the mean, root mean square, 90th and 97th percentile, maximum and
      median over blocks of 8 x 8 pixels, each less its median over the clip; then how much brighter the whole
      picture becomes, relative to the clip's own changes of light, and absolutely, both compressed like a log.
    """
    b, t, h, w = frames.shape
    moved = jnp.diff(frames, axis=1, prepend=frames[:, :1])
    cut = jnp.abs(moved)[:, :, : h // 8 * 8, : w // 8 * 8]
    blocks = jnp.sort(cut.reshape(b, t, h // 8, 8, w // 8, 8).mean((3, 5)).reshape(b, t, -1), axis=-1)
    count = blocks.shape[-1]
    ranks = [blocks[..., int(share * count)] for share in (0.9, 0.97)]
    parts = [blocks.mean(-1), jnp.sqrt((blocks**2).mean(-1)), *ranks, blocks[..., -1], jnp.median(blocks, axis=-1)]
    energy = jnp.log(jnp.stack(parts, axis=-1) + ENERGY_FLOOR)
    energy -= jnp.median(energy, axis=1, keepdims=True)
    light = moved.mean((2, 3))
    usual = jnp.sqrt((light**2).mean(1, keepdims=True)) + LIGHT_FLOOR
    jumps = [jnp.sign(light) * jnp.log1p(jnp.abs(light) / scale) for scale in (usual, CLEAR_LIGHT)]
    return jnp.concatenate([energy, jnp.stack(jumps, axis=-1)], axis=-1)


def next_patches(x: Float[Array, "b t h w c"]) -> Float[Array, "b t y x p"]:
    """Cuts 3 x 3 patches every 2 cells."""
    h, w = (x.shape[2] + 1) // 2, (x.shape[3] + 1) // 2
    x = jnp.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)))
    cells = [x[:, :, i : i + 2 * h - 1 : 2, j : j + 2 * w - 1 : 2] for i in range(3) for j in range(3)]
    return jnp.concatenate(cells, axis=-1)


def neighbours(x: Float[Array, "b t ... c"], reach: int, every: int = 1) -> Float[Array, "b t ... d"]:
    """Concatenates each step with `reach` steps before and as many after it; zeros beyond the ends.

    Args:
      x: vectors of consecutive steps, or of places at each step.
      reach: steps to take in on either side, >= 0.
      every: distance of the steps that are taken in.

    Returns:
      One vector a step, of d = (2 * reach + 1) * c values, the earliest step first.
    """
    t, ends = x.shape[1], reach * every
    padded = jnp.pad(x, ((0, 0), (ends, ends)) + ((0, 0),) * (x.ndim - 2))
    return jnp.concatenate([padded[:, i : i + t] for i in range(0, 2 * ends + 1, every)], axis=-1)
