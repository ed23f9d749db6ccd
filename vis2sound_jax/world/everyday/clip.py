"""One film of the everyday world, from its seed to frames and times of events."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from vis2sound_jax.errors import UserError
from vis2sound_jax.world.everyday.bursts import burst, flash
from vis2sound_jax.world.everyday.bystanders import BYSTANDERS
from vis2sound_jax.world.everyday.camera import draw_camera, draw_clock, draw_light, record
from vis2sound_jax.world.everyday.cast import Cast, Frames, Rng, draw_look, draw_place, log_uniform
from vis2sound_jax.world.everyday.draw import draw
from vis2sound_jax.world.everyday.moves import bounce, collide, rub, slide, tear
from vis2sound_jax.world.everyday.strikes import clap, press, steps, tool

VERSION = 1
"""Of the drawing rules: raised when the same seed gives other films."""
BLOCK = 8
"""Height and width of a film are multiples of it."""

_ACTORS: tuple[tuple[Callable[[Cast], None], float], ...] = (
    (tool, 0.30),
    (press, 0.16),
    (flash, 0.09),
    (bounce, 0.08),
    (slide, 0.08),
    (rub, 0.07),
    (collide, 0.06),
    (burst, 0.06),
    (steps, 0.05),
    (clap, 0.05),
    (tear, 0.05),
)
_BODIES = (8, 16)  # numbers of bodies for which a program is compiled; what is more stays out of the picture
_WAVES = 6
_SEEN = 0.006  # an event is seen if a block of the picture changes by so much around it
_EDGE_S = 0.5  # events so far outside of the film are kept, for targets that reach into it


@dataclass(frozen=True)
class FilmForm:
    """Size of a film.

    Attributes:
      frames: its length.
      fps: frames a second.
      height: of the picture in pixels, a multiple of `BLOCK`.
      width: of the picture in pixels, a multiple of `BLOCK`.
    """

    frames: int = 96
    fps: float = 25.0
    height: int = 72
    width: int = 128

    def __post_init__(self) -> None:
        """Refuses sizes that cannot be drawn."""
        if self.height % BLOCK or self.width % BLOCK:
            raise UserError(
                f"everyday films are {self.height} x {self.width}; they are drawn in multiples of {BLOCK} pixels"
            )


class EverydayClip(NamedTuple):
    """A silent film.

    Attributes:
      frames: [t, h, w] grey.
      event_s: times of its events in seconds, ascending; frame k is shown from k / fps on.
    """

    frames: UInt8[np.ndarray, "t h w"]
    event_s: Float[np.ndarray, "e"]


def everyday_clip(seed: int, index: int, form: FilmForm) -> EverydayClip:
    """Draws a film. The same arguments give the same film on the same kind of device.

    Args:
      seed: of the whole set.
      index: number of the film in the set.
      form: its size.

    Returns:
      The film.
    """
    rng = np.random.default_rng([seed, VERSION, index])
    clip = _one_shot(rng, form)
    if rng.random() > 0.08:
        return clip
    # A cut to another shot is a great change that nobody hears.
    other, cut = _one_shot(rng, form), int(rng.integers(form.frames // 4, 3 * form.frames // 4))
    shown = np.concatenate([clip.frames[:cut], other.frames[cut:]])
    first, second = (one.event_s for one in (clip, other))
    cut_s = cut / form.fps
    return EverydayClip(shown, np.concatenate([first[first < cut_s], second[second >= cut_s]]))


def _one_shot(rng: Rng, form: FilmForm) -> EverydayClip:
    clock = draw_clock(rng, form.frames, form.fps)
    cast = _draw_cast(rng, clock.moments)
    camera, light = draw_camera(cast), draw_light(cast)
    paths, looks = _bodies(cast)
    arrays = (np.asarray(x, np.float32) for x in (paths, looks, _draw_waves(rng), camera, light, clock.moments))
    pictures = np.asarray(draw(*arrays, height=form.height, width=form.width))
    times = np.sort(np.array(cast.events)) - clock.first_s
    near = times[(times >= -_EDGE_S) & (times < form.frames / form.fps + _EDGE_S)]
    return EverydayClip(record(rng, pictures, clock), near[_are_seen(pictures, near * form.fps)])


def _draw_cast(rng: Rng, moments: np.ndarray) -> Cast:
    """Things that stand still, bystanders, and whatever is heard, the nearest last."""
    cast = Cast(rng, moments)
    for _ in range(int(rng.integers(0, 4))):
        half = (log_uniform(rng, 0.05, 0.6), log_uniform(rng, 0.05, 0.6))
        cast.put(1.3 * draw_place(rng), rng.uniform(0, np.pi), half)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.45, 0.35, 0.2]))):
        BYSTANDERS[int(rng.integers(len(BYSTANDERS)))](cast)
    actors, shares = zip(*_ACTORS, strict=True)
    odds = np.array(shares) / sum(shares)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.1, 0.72, 0.18]))):
        actors[int(rng.choice(len(actors), p=odds))](cast)
    if rng.random() < 0.25:
        BYSTANDERS[int(rng.integers(len(BYSTANDERS)))](cast)
    return cast


def _bodies(cast: Cast) -> tuple[Float[np.ndarray, "t m s 6"], Float[np.ndarray, "s 8"]]:
    """Paths and looks of as many bodies as a program is compiled for."""
    count = next((size for size in _BODIES if size >= len(cast.paths)), _BODIES[-1])
    nobody = np.zeros((*cast.moments.shape, 6))
    nobody[..., 0], nobody[..., 3:5] = -9, 0.01
    missing = max(count - len(cast.paths), 0)
    paths = [*cast.paths[:count], *[nobody] * missing]
    looks = [*cast.looks[:count], *[draw_look(cast.rng)] * missing]
    return np.stack(paths, axis=2), np.array(looks)


def _draw_waves(rng: Rng) -> Float[np.ndarray, "g 5"]:
    """Waves that make up the background; a few of them move."""
    number, angle = np.exp(rng.uniform(np.log(1.5), np.log(60), _WAVES)), rng.uniform(0, 2 * np.pi, _WAVES)
    size = rng.dirichlet(np.full(_WAVES, 0.6)) * rng.uniform(0.02, 0.5)
    speed = rng.normal(0, 6, _WAVES) * (rng.random(_WAVES) < 0.04)
    return np.stack([number * np.cos(angle), number * np.sin(angle), rng.uniform(0, 6.3, _WAVES), size, speed], 1)


def _are_seen(pictures: Frames, places: Float[np.ndarray, "e"]) -> np.ndarray:
    """Which events change the picture; those outside of the film are believed."""
    change = np.abs(np.diff(pictures, axis=0, prepend=pictures[:1]))
    t, height, width = change.shape
    blocks = change.reshape(t, height // BLOCK, BLOCK, width // BLOCK, BLOCK).mean(axis=(2, 4))
    most = blocks.max(axis=(1, 2))
    around = [most[max(k - 2, 0) : max(k + 4, 0)] for k in places.astype(int)]
    return np.array([not len(part) or part.max() > _SEEN for part in around], bool)
