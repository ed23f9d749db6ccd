"""The camera: layers, stick, hand, shadows and particles → frames, in one jitted program per film shape."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

Plane = Float[Array, "h w"]
Image = Float[Array, "3 h w"]
Planes = TypeVar("Planes")

_AWAY = -5.0  # things further left than this are not in the film


class Still(NamedTuple):
    """What is the same in all frames: lengths in image heights, colours in [0, 1]; H, W with the margin."""

    background: Array  # [3, H, W]
    layers: Array  # [3, 4, H, W] premultiplied: sway, first thing, second thing
    used: Array  # [3] bool, False for an empty layer
    noise: Array  # [3, 2h, 2w] added to the picture, another part of it in each frame
    vignette: Array  # [h, w]
    blur: Array  # [2] weights of the first and second neighbour
    tone: Array  # [3] contrast, curve, black level
    stick: Array  # [3]
    skin: Array  # [3]
    sleeve: Array  # [2, 3] two colours of the weave
    weave: Array  # [2] stripes along and across the arm
    radii: Array  # [6] stick, its head, fist, wrist, elbow, sleeve's extra
    sleeve_from: Array  # [] share of the forearm left bare
    shadow: Array  # [3] strength, blur radius, blur per height
    dent_radius: Array  # []
    grain: Array  # [4] colour of the particles, radius
    stranger: Array  # [5] colour and half axes of the thing that moves without a sound
    passing: Array  # [4] direction x, direction y, half width, strength of a passing shadow


class Tracks(NamedTuple):
    """What moves, one row a frame; positions (x, y) in image heights; s moments within the exposure."""

    camera: Array  # [t, 4, 2] pixels (x, y): background, sway, first thing, second thing
    tip: Array  # [t, s, 2]
    hand: Array  # [t, s, 2]
    elbow: Array  # [t, 2]
    shadow_tip: Array  # [t, 3] x, y and height over the surface
    shadow_hand: Array  # [t, 2]
    dent: Array  # [t, 4] x, y and displacement (x, y)
    grains: Array  # [t, p, 3] x, y, opacity
    stranger: Array  # [t, 2]
    passing: Array  # [t]
    helper: Array  # [t, 4] second hand and its elbow
    gain: Array  # [t, 3]
    noise_at: Array  # [t, 2] int32, row and column


def _keep(planes: Planes) -> Planes:
    """Has planes stored before they are read several times, rather than worked out again for every reader."""
    return jax.lax.optimization_barrier(planes)


def _when(there: Array, draw: Callable[[Image], Image], image: Image) -> Image:
    """Draws only in frames where there is something to draw."""
    return jax.lax.cond(there, draw, lambda same: same, image)


def _window(layer: Float[Array, "c H W"], place: Float[Array, "2"], h: int, w: int) -> Float[Array, "c h w"]:
    """The h x w part of a layer whose corner is at `place` (x, y) pixels, bilinear between pixels."""
    corner = jnp.floor(place)
    part = place - corner
    left, top = corner.astype(jnp.int32)
    view = _keep(jax.lax.dynamic_slice(layer, (0, top, left), (layer.shape[0], h + 1, w + 1)))
    upper = view[:, :-1, :-1] * (1 - part[0]) + view[:, :-1, 1:] * part[0]
    lower = view[:, 1:, :-1] * (1 - part[0]) + view[:, 1:, 1:] * part[0]
    return _keep(upper * (1 - part[1]) + lower * part[1])


def _segment(
    y: Float[Array, "h 1"], x: Float[Array, "1 w"], start: Float[Array, "2"], end: Float[Array, "2"]
) -> tuple[Plane, Plane]:
    """Distance of every pixel to a line segment, and the place in [0, 1] of its nearest point."""
    way = end - start
    along = ((x - start[0]) * way[0] + (y - start[1]) * way[1]) / (way @ way + 1e-8)
    along = jnp.clip(along, 0, 1)
    dx, dy = x - start[0] - along * way[0], y - start[1] - along * way[1]
    return jnp.sqrt(dx * dx + dy * dy + 1e-10), along


def _cover(distance: Plane, radius: Plane | Array, softness: Array | float) -> Plane:
    return jnp.clip(0.5 - (distance - radius) / softness, 0, 1)


def _round(distance: Plane, radius: Plane | Array) -> Plane:
    """Shade of a cylinder seen from the side: darker towards its edges."""
    return 1.05 - 0.45 * jnp.minimum(1, (distance / radius) ** 2)


def _wave(phase: Plane) -> Plane:
    """Triangle wave of period 1 in [0, 1]; a sine costs ten times as much."""
    return jnp.abs(2 * (phase - jnp.floor(phase)) - 1)


def _stick_cover(y: Array, x: Array, tip: Float[Array, "s 2"], hand: Float[Array, "s 2"], still: Still) -> Plane:
    """Mean opacity of the stick over the moments of the exposure; a fast tip is smeared between moments."""
    pixel = 1 / y.shape[0]
    moments = tip.shape[0]
    step = jnp.sqrt(jnp.sum((tip[-1] - tip[0]) ** 2)) / max(1, moments - 1)
    total = jnp.zeros((y.shape[0], x.shape[1]))
    for s in range(moments):
        distance, along = _segment(y, x, tip[s], hand[s])
        soft = pixel + step * (1 - along)  # the tip moves, the hand hardly does
        stick = _cover(distance, still.radii[0] * (0.6 + 0.4 * jnp.minimum(1, along * 8)), soft)
        head = _cover(jnp.sqrt((x - tip[s, 0]) ** 2 + (y - tip[s, 1]) ** 2 + 1e-10), still.radii[1], soft)
        total = total + jnp.maximum(stick, head)
    return _keep(total / moments)


def _draw_arm(image: Image, y: Array, x: Array, hands: Float[Array, "s 2"], elbow: Array, still: Still) -> Image:
    """Lays forearm, sleeve and fist over an image; `hands` within the exposure only soften the edges."""
    hand = hands.mean(0)
    soft = 1.5 / y.shape[0] + 0.6 * jnp.sqrt(jnp.sum((hands[-1] - hands[0]) ** 2))
    distance, along = _keep(_segment(y, x, hand, elbow))
    radius = still.radii[3] + (still.radii[4] - still.radii[3]) * along
    dressed = jnp.clip((along - still.sleeve_from) * 40, 0, 1)
    bare, cloth = _cover(distance, radius, soft), dressed * _cover(distance, radius + still.radii[5], soft)
    reach = (hand - elbow) / jnp.sqrt(jnp.sum((hand - elbow) ** 2) + 1e-8)
    knuckles, _ = _segment(y, x, hand, hand + reach * still.radii[2])
    fist = _keep(_cover(knuckles, still.radii[2], soft))
    stripes = _wave(still.weave[0] * along) * 0.5 + _wave(still.weave[1] * distance) * 0.5
    sleeve_light = _round(distance, radius + still.radii[5])
    skin_cover = bare * (1 - cloth) * (1 - fist)
    skin_light = skin_cover * _round(distance, radius) + fist * _round(distance, 1.5 * still.radii[2])
    cloth = cloth * (1 - fist)
    planes = _keep((1 - skin_cover - cloth - fist, skin_light, cloth * sleeve_light * stripes, cloth * sleeve_light))
    kept, skin, weave, sleeve = planes
    colours = still.skin, still.sleeve[0] - still.sleeve[1], still.sleeve[1]
    lights = zip(colours, (skin, weave, sleeve), strict=True)
    return image * kept + sum(colour[:, None, None] * light for colour, light in lights)


def _dent(image: Image, y: Array, x: Array, dent: Float[Array, "4"], radius: Array) -> Image:
    """Pushes the picture by up to a few pixels around a contact, by its gradient; dents are darker."""
    h = image.shape[1]
    rows, columns = jnp.exp(-(((y - dent[1]) / radius) ** 2)), jnp.exp(-(((x - dent[0]) / radius) ** 2))
    image, rows, columns = _keep((image, rows, columns))
    reach = rows * columns
    slope_y = jnp.pad(image[:, 2:] - image[:, :-2], ((0, 0), (1, 1), (0, 0))) / 2
    slope_x = jnp.pad(image[:, :, 2:] - image[:, :, :-2], ((0, 0), (0, 0), (1, 1))) / 2
    image = image - reach * h * (slope_x * dent[2] + slope_y * dent[3])
    return image * (1 - 3 * reach * jnp.sqrt(dent[2] ** 2 + dent[3] ** 2))


def _scatter(image: Image, y: Array, x: Array, grains: Float[Array, "p 3"], look: Float[Array, "4"]) -> Image:
    """Flying particles: soft spots, separable, so that all of them are one small matrix product."""
    columns = jnp.exp(-(((x - grains[:, :1]) / look[3]) ** 2))  # [p, w]
    rows = jnp.exp(-(((y - grains[:, 1]) / look[3]) ** 2)) * grains[:, 2]  # [h, p]
    cover = _keep(jnp.minimum(1, rows @ columns))
    return image * (1 - cover) + look[:3, None, None] * cover


def _draw_stranger(image: Image, y: Array, x: Array, place: Array, look: Float[Array, "5"]) -> Image:
    oval = jnp.sqrt(((x - place[0]) / look[3]) ** 2 + ((y - place[1]) / look[4]) ** 2)
    cover = _keep(jnp.clip((1 - oval) * 8, 0, 1))
    return image * (1 - cover) + look[:3, None, None] * cover * (1.1 - 0.4 * oval)


def _shade(image: Image, y: Array, x: Array, row: Tracks, still: Still) -> Image:
    """A passing shadow, and the shadow of stick and hand, which meets the tip at contact."""
    across = x * still.passing[0] + y * still.passing[1] - row.passing
    band = jnp.clip(1 - jnp.abs(across) / still.passing[2], 0, 1)
    image = image * (1 - still.passing[3] * band)
    distance, along = _segment(y, x, row.shadow_tip[:2], row.shadow_hand)
    soft = still.shadow[1] + still.shadow[2] * (row.shadow_tip[2] * (1 - along) + 0.3 * along)
    radius = still.radii[0] + (still.radii[2] - still.radii[0]) * jnp.clip(along * 4 - 3, 0, 1)
    return image * _keep(1 - still.shadow[0] * _cover(distance, radius, soft))


def _defocus(image: Image, taps: Float[Array, "2"]) -> Image:
    """Separable blur over five pixels, borders repeated."""
    near, far = taps
    for axis in (1, 2):
        size = image.shape[axis]
        wide = _keep(jnp.pad(image, [(2, 2) if k == axis else (0, 0) for k in range(3)], mode="edge"))
        steps = [jax.lax.slice_in_dim(wide, k, k + size, axis=axis) for k in range(5)]
        image = steps[2] * (1 - 2 * near - 2 * far) + near * (steps[1] + steps[3]) + far * (steps[0] + steps[4])
    return image


def _develop(image: Image, row: Tracks, still: Still) -> UInt8[Array, "h w 3"]:
    """Lens and sensor: exposure, vignette, focus, tone curve, noise, rounding."""
    image = _keep(image) * (row.gain[:, None, None] * still.vignette)
    image = _when(still.blur[0] > 0, lambda im: _defocus(im, still.blur), image)
    image = jnp.clip((image - 0.5) * still.tone[0] + 0.5 + still.tone[2], 0, 1)
    image = image + still.tone[1] * image * (1 - image)
    image = _keep(image)
    start = (0, row.noise_at[0], row.noise_at[1])
    image = image + jax.lax.dynamic_slice(still.noise, start, image.shape)
    return (jnp.clip(image, 0, 1) * 255 + 0.5).astype(jnp.uint8).transpose(1, 2, 0)


def _frame(still: Still, row: Tracks, h: int, w: int) -> UInt8[Array, "h w 3"]:
    y = (jnp.arange(h, dtype=jnp.float32)[:, None] + 0.5) / h
    x = (jnp.arange(w, dtype=jnp.float32)[None, :] + 0.5) / h
    image = _window(still.background, row.camera[0], h, w)
    image = _when(row.stranger[0] > _AWAY, lambda im: _draw_stranger(im, y, x, row.stranger, still.stranger), image)
    for place in range(still.layers.shape[0]):

        def lay_over(below: Image, place: int = place) -> Image:
            layer = _window(still.layers[place], row.camera[1 + place], h, w)
            return below * (1 - layer[3]) + layer[:3]

        image = _when(still.used[place], lay_over, image)
    image = _when(jnp.any(row.dent[2:] != 0), lambda im: _dent(im, y, x, row.dent, still.dent_radius), image)
    there = row.helper[0] > _AWAY
    image = _when(there, lambda im: _draw_arm(im, y, x, row.helper[None, :2], row.helper[2:], still), image)
    image = _shade(_keep(image), y, x, row, still)
    image = _when(jnp.any(row.grains[:, 2] > 0), lambda im: _scatter(im, y, x, row.grains, still.grain), image)
    cover = _stick_cover(y, x, row.tip, row.hand, still)
    image = _keep(image) * (1 - cover) + still.stick[:, None, None] * cover
    near = jnp.all(jnp.abs(row.hand[0] - jnp.array([w / (2 * h), 0.5])) < jnp.array([w / (2 * h), 0.5]) + 1)
    image = _when(near, lambda im: _draw_arm(im, y, x, row.hand, row.elbow, still), image)
    return _develop(image, row, still)


@partial(jax.jit, static_argnames=("height", "width"))
def render(still: Still, tracks: Tracks, *, height: int, width: int) -> UInt8[Array, "t h w 3"]:
    """Renders a film, one frame at a time, so that memory holds one frame and the result.

    Args:
      still: what is the same in all frames.
      tracks: what moves, leading axis t.
      height: frame height in pixels.
      width: frame width in pixels.

    Returns:
      Frames [t, h, w, 3], uint8 RGB.
    """

    def step(carry: None, row: Tracks) -> tuple[None, Array]:
        return carry, _frame(still, row, height, width)

    return jax.lax.scan(step, None, tracks)[1]
