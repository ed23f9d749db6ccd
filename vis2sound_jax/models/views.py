"""Altered views of clips: nearer, mirrored, in other light or colours; pixels in, pixels out, one draw a clip.

What is drawn comes as numbers from `video.frames`, and is the same there: a parity test holds both side by side. Here a
whole batch is altered at once, within a training step, so that it costs an accelerator next to nothing and its host
nothing at all. Pixels are whole numbers between any two alterations, as they are in Pillow's images.
"""

import functools
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8, UInt32

GREY_NUMBERS = 10
"""Numbers that say how a clip is altered in light: left, top, right and bottom of the window in pixels, whether it is
mirrored, whether it is turned into its negative, gain, contrast, gamma, and the largest noise in grey levels."""
COLOUR_NUMBERS = 13
"""Numbers that say how a clip is altered in colour: left, top, right and bottom of the window in whole pixels, whether
it is mirrored, which of brightness (0), saturation (1), contrast (2) and hue (3) changes first to last, and by how
much each of these four does."""

_RED, _GREEN, _BLUE = 19595, 38470, 7471  # luminance of ITU-R BT.601, in 1/65536
_LEVELS = 255.0


def grey_views(
    frames: UInt8[Array, "b t h w *c"],
    views: Float[Array, "b 10"],
    seeds: UInt32[Array, "b"],
    *,
    negative: bool = True,
    noise: int = 0,
) -> UInt8[Array, "b t h w *c"]:
    """Alters clips as `video.frames.apply_grey_augmentation` does; the size stays.

    Args:
      frames: grey, or in colours that all change alike.
      views: one draw a clip, see `GREY_NUMBERS`.
      seeds: of each clip's noise.
      negative: whether to heed that a clip is to be turned into its negative.
      noise: another number gives another noise by the same seeds.

    Returns:
      Altered frames.
    """

    def one(clip: jax.Array, view: jax.Array, seed: jax.Array) -> jax.Array:
        box, mirror = view[:4], view[4] > 0.5
        inverted, gain, contrast, gamma, loudest = view[5:]
        height, width = clip.shape[1:3]
        seen = _resized(clip, box, jnp.array([0, 0, width, height]), mirror, (height, width))
        light = gain * jnp.exp(gamma * jnp.log(seen / _LEVELS))  # half the time of a power
        level = jnp.round(_LEVELS * (0.5 + contrast * (light - 0.5)))
        level = jnp.clip(level + _noise(seed + jnp.uint32(noise), loudest, clip.shape), 0.0, _LEVELS)
        return jnp.where(negative & (inverted > 0.5), _LEVELS - level, level).astype(jnp.uint8)

    return jax.vmap(one)(frames, views, seeds)


def colour_views(
    frames: UInt8[Array, "b t h w 3"], views: Float[Array, "b 13"], size: int
) -> UInt8[Array, "b t size size 3"]:
    """Alters clips as `video.frames.apply_augmentation` does.

    Args:
      frames: red, green and blue.
      views: one draw a clip, see `COLOUR_NUMBERS`.
      size: rows and columns of the result.

    Returns:
      Altered frames.
    """
    changes = (_brightness, _saturation, _contrast, _hue)

    def one(clip: jax.Array, view: jax.Array) -> jax.Array:
        seen = _resized(clip, view[:4], view[:4], view[4] > 0.5, (size, size))
        for place in range(len(changes)):
            kind, factor = view[5 + place].astype(jnp.int32), view[9 + place]
            seen = jax.lax.switch(kind, changes, seen, factor)
        return seen.astype(jnp.uint8)

    return jax.vmap(one)(frames, views)


def _resized(clip: Array, box: Array, inside: Array, mirror: Array, size: tuple[int, int]) -> Array:
    """Scales a window as Pillow's bilinear filter does, first along rows; no pixel is taken from outside of `inside`.

    All boxes are left, top, right, bottom. Products with mostly empty matrices are several times faster than looking
    pixels up, on every kind of device.
    """
    height, width = clip.shape[1:3]
    across = _shares(box[0], box[2], inside[0], inside[2], width, size[1])
    down = _shares(box[1], box[3], inside[1], inside[3], height, size[0])
    across = jnp.where(mirror, across[::-1], across)
    product = functools.partial(jnp.einsum, precision=jax.lax.Precision.HIGHEST)
    seen = _rounded(product("thw...,jw->thj...", clip.astype(jnp.float32), across))
    return _rounded(product("thj...,ih->tij...", seen, down))


def _shares(begin: Array, end: Array, low: Array, high: Array, before: int, after: int) -> Float[Array, "after before"]:
    """How much of each pixel goes into each new one."""
    scale = (end - begin) / after
    centre = begin + (jnp.arange(after) + 0.5) * scale
    at = jnp.arange(before) + 0.5
    near = jnp.maximum(1.0 - jnp.abs(at - centre[:, None]) / jnp.maximum(scale, 1.0), 0.0) * ((at > low) & (at < high))
    return near / near.sum(axis=1, keepdims=True)


def _rounded(level: Array) -> Array:
    return jnp.clip(jnp.floor(level + 0.5), 0.0, _LEVELS)


def _noise(seed: Array, loudest: Array, shape: tuple[int, ...]) -> Array:
    """Whole numbers from -loudest to loudest, each as likely, from a hash of seed and place.

    Threefry, by which `jax.random` draws, takes as long as all the rest of a view on a CPU.
    """
    place = jnp.arange(math.prod(shape), dtype=jnp.uint32).reshape(shape)
    loudest = loudest.astype(jnp.uint32)
    found = ((_hashed(place ^ _hashed(seed)) >> 16) * (2 * loudest + 1)) >> 16
    return found.astype(jnp.float32) - loudest.astype(jnp.float32)


def _hashed(number: Array) -> Array:
    """Chris Wellons' lowbias32 (2018): each bit of the input turns each bit of the output half of the time."""
    number = (number ^ (number >> 16)) * jnp.uint32(0x7FEB352D)
    number = (number ^ (number >> 15)) * jnp.uint32(0x846CA68B)
    return number ^ (number >> 16)


def _brightness(clip: Array, factor: Array) -> Array:
    return _blended(jnp.zeros_like(clip), clip, factor)


def _saturation(clip: Array, factor: Array) -> Array:
    return _blended(_luminance(clip)[..., None].astype(jnp.float32), clip, factor)


def _contrast(clip: Array, factor: Array) -> Array:
    """Every frame has a mean grey of its own."""
    light = _luminance(clip)
    pixels = light.shape[1] * light.shape[2]
    mean = (2 * light.sum((1, 2)) + pixels) // (2 * pixels)
    return _blended(mean[:, None, None, None].astype(jnp.float32), clip, factor)


def _blended(away: Array, clip: Array, factor: Array) -> Array:
    return jnp.clip(jnp.trunc(away + factor * (clip - away)), 0.0, _LEVELS)


def _luminance(clip: Array) -> Array:
    red, green, blue = (clip[..., k].astype(jnp.int32) for k in range(3))
    return (_RED * red + _GREEN * green + _BLUE * blue + 32768) >> 16


def _hue(clip: Array, turn: Array) -> Array:
    """Turns the colour circle by a fraction of it, in 256 steps of hue and of saturation."""
    value, least = clip.max(-1), clip.min(-1)
    spread = value - least
    red, green, blue = (jnp.where(spread > 0, (value - clip[..., k]) / jnp.maximum(spread, 1.0), 0.0) for k in range(3))
    sixth = jnp.where(
        clip[..., 0] == value,
        blue - green,
        jnp.where(clip[..., 1] == value, 2.0 + red - blue, 4.0 + green - red),
    )
    hue = jnp.floor(jnp.mod(sixth / 6.0 + 1.0, 1.0) * _LEVELS)
    saturation = jnp.floor(spread / jnp.maximum(value, 1.0) * _LEVELS) / _LEVELS
    turned = jnp.mod(hue + jnp.trunc(turn * _LEVELS), 256.0) * (6.0 / _LEVELS)
    part = jnp.floor(turned)
    rest = turned - part
    down, falling, rising = (
        jnp.floor(value * (1.0 - saturation * by) + 0.5) for by in (jnp.ones_like(rest), rest, 1.0 - rest)
    )
    # Red, green and blue in each sixth of the circle; a whole turn is the first again.
    order = (
        (value, rising, down),
        (falling, value, down),
        (down, value, rising),
        (down, falling, value),
        (rising, down, value),
        (value, down, falling),
    )
    return jnp.stack([_chosen(part % 6.0, [each[k] for each in order]) for k in range(3)], axis=-1)


def _chosen(number: Array, values: list[Array]) -> Array:
    return functools.reduce(lambda found, k: jnp.where(number == k, values[k], found), range(1, len(values)), values[0])
