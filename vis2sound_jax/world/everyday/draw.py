"""Draws bodies as grey pictures, in one compiled program for each size of film and number of bodies."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_SHARP = 3.0  # steepness of an edge of softness 1
_BRIGHT, _DARK = 1.0, 0.02


@functools.partial(jax.jit, static_argnames=("height", "width"))
def draw(
    paths: Float[Array, "t m s 6"],
    looks: Float[Array, "s 8"],
    waves: Float[Array, "g 5"],
    camera: Float[Array, "t m 4"],
    light: Float[Array, "t"],
    seconds: Float[Array, "t m"],
    *,
    height: int,
    width: int,
) -> Float[Array, "t h w"]:
    """Draws a film; each frame is the mean of its moments.

    Args:
      paths: of the bodies, the furthest first; see `cast.Cast`.
      looks: of the bodies; see `cast.Look`.
      waves: of the background: frequency in x and y, phase, size, and speed in radians a second.
      camera: x, y, zoom and roll at each moment.
      light: factor of each frame.
      seconds: when each moment is.
      height: of the picture in pixels.
      width: of the picture in pixels.

    Returns:
      Grey pictures, black is 0 and white 1; shining things may be brighter.
    """
    t, m = paths.shape[:2]
    flat = [x.reshape(t * m, *x.shape[2:]) for x in (paths, camera, seconds)]
    picture = functools.partial(_moment, looks=looks, waves=waves, height=height, width=width)
    moments = jax.lax.map(lambda one: picture(*one), tuple(flat), batch_size=8)
    return moments.reshape(t, m, height, width).mean(1) * light[:, None, None]


def _moment(
    paths: Array, camera: Array, seconds: Array, *, looks: Array, waves: Array, height: int, width: int
) -> Float[Array, "h w"]:
    x, y, zoom, roll = camera
    rows, columns = jnp.mgrid[0:height, 0:width].astype(jnp.float32)
    down, right = (rows + 0.5) / height - 0.5, (columns + 0.5 - width / 2) / height
    u = (right * jnp.cos(roll) - down * jnp.sin(roll)) / zoom + x
    v = (right * jnp.sin(roll) + down * jnp.cos(roll)) / zoom + y
    picture = jnp.full((height, width), 0.5)
    for number, (fx, fy, phase, size, speed) in enumerate(waves):
        wave = jnp.sin(fx * u + fy * v + phase + speed * seconds)
        # Every other wave has edges.
        picture += size * (0.7 * jnp.clip(4 * wave, -1, 1) if number % 2 else wave)
    scale = height * zoom

    def put(below: Array, body: tuple[Array, Array]) -> tuple[Array, None]:
        return _over(below, u, v, scale, *body), None

    return jax.lax.scan(put, jnp.clip(picture, _DARK, _BRIGHT), (paths, looks))[0]


def _over(below: Array, u: Array, v: Array, scale: Array, path: Array, look: Array) -> Float[Array, "h w"]:
    """Puts one body over a picture; `scale` is pixels in an image height."""
    x, y, turn, half_width, half_height, opacity = path
    power, tone, contrast, pattern, slant, phase, softness, shade = look
    dx, dy = u - x, v - y
    p = (dx * jnp.cos(turn) + dy * jnp.sin(turn)) / half_width
    q = (dy * jnp.cos(turn) - dx * jnp.sin(turn)) / half_height
    outside = (_radius(p, q, power) - 1) * jnp.minimum(half_width, half_height) * scale
    cover = jax.nn.sigmoid(-_SHARP * outside / softness) * opacity
    stripes = jnp.sin(10 * pattern * (p * half_width * jnp.cos(slant) + q * half_height * jnp.sin(slant)) + phase)
    return below * (1 - cover) + cover * (tone + contrast * stripes + shade * q)


def _radius(p: Array, q: Array, power: Array) -> Float[Array, "h w"]:
    """(p^n + q^n)^(1/n) for n of 2, 4 or 8, by squares and roots: general powers take most of the time."""
    ellipse = p * p + q * q
    four = (p * p) ** 2 + (q * q) ** 2
    eight = (p * p) ** 4 + (q * q) ** 4
    square = jnp.where(power < 3, ellipse, jnp.sqrt(jnp.where(power < 6, four, jnp.sqrt(eight))))
    return jnp.sqrt(square + 1e-9)
