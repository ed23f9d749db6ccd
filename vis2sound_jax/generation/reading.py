"""Runs the event reader over films of any length, in windows of one size."""

import functools
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Float32

from vis2sound_jax.generation.watch import Seen
from vis2sound_jax.models.event_reader import FORCE_DB, EventReader, EventsRead
from vis2sound_jax.video.motion import motion_curves, stops_of_motion
from vis2sound_jax.video.onsets import onsets_from_probability

_WINDOW = 512
_NEAR_S = 0.08
_CLEAR_PERCENTILE, _LEAST_FALL = 95, 1e-3
_MARGIN = 64  # frames at a window's ends of which the reader sees less than it could


class Reading(NamedTuple):
    """What the reader says of a film.

    Attributes:
      onset: [t] probability that an event begins in the frame.
      scratch: [t] probability that an event here is a scratch.
      force_db: [t] how much louder an event here is than the film's mean event.
      motion: [t] energy of motion, relative to the film's own.
    """

    onset: np.ndarray
    scratch: np.ndarray
    force_db: np.ndarray
    motion: np.ndarray


def read_seen(net: EventReader, params: Any, seen: Seen) -> Reading:
    """Reads the events of a film.

    Args:
      net: the reader.
      params: of it.
      seen: the film, with its maps of motion.

    Returns:
      Probabilities and force of every frame.
    """
    return read_curves(net, params, seen.features, seen.onset, motion_curves(seen.maps))


def read_curves(
    net: EventReader,
    params: Any,
    features: Float[np.ndarray, "t d"],
    onset: Float[np.ndarray, "t"],
    motion: Float[np.ndarray, "t m"],
) -> Reading:
    """Reads the events of a film of which the curves are known.

    Args:
      net: the reader.
      params: of it.
      features: of the video encoder.
      onset: the encoder's onset probability.
      motion: curves of motion energy; see `video.motion.motion_curves`.

    Returns:
      Probabilities and force of every frame.
    """
    t, step = len(onset), _WINDOW - 2 * _MARGIN
    parts: list[np.ndarray] = []
    for start in range(0, max(t, 1), step):
        first = max(start - _MARGIN, 0)
        arrays = [_window(values, first) for values in (features, onset, motion)]
        out = np.stack(jax.device_get(_read(net, params, *arrays)))[:, 0]
        parts.append(out[:, start - first : start - first + step])
    every = np.concatenate(parts, axis=1)[:, :t]
    onset_p, scratch_p = (1.0 / (1.0 + np.exp(-row)) for row in every[:2])
    # The curve is a logarithm; what is constant in it does not move the places where motion stops.
    energy = np.exp(np.asarray(motion[:, 0], np.float32)) if t else np.zeros(0, np.float32)
    return Reading(onset_p.astype(np.float32), scratch_p.astype(np.float32), every[2] * FORCE_DB, energy)


def list_events(reading: Reading, fps: float, stops: float) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """Lists events: the maxima of the onset curve and, less sure, moments at which motion stops.

    A stop within 0.08 s of a maximum raises it, and any other is an event of its own.

    Args:
      reading: of the film.
      fps: rate of its frames.
      stops: confidence of the film's clearest stops of motion, of which 1 less that is left to the curve; 0 leaves them
        out.

    Returns:
      Times in seconds, ascending, and confidence in [0, 1].
    """
    times_s, confidence = onsets_from_probability(reading.onset, fps)
    stopped_s, fall = stops_of_motion(reading.motion, fps)
    if stops <= 0 or not len(fall):
        return times_s, confidence
    clear = stops * np.minimum(fall / max(np.percentile(fall, _CLEAR_PERCENTILE), _LEAST_FALL), 1.0)
    confidence, own = (1 - stops) * confidence, np.ones(len(stopped_s), bool)
    raised = np.zeros(len(times_s), bool)
    for k in np.argsort(-clear, kind="stable"):
        distance = np.abs(times_s - stopped_s[k])
        if not len(distance) or distance.min() > _NEAR_S:
            continue
        own[k], nearest = False, int(np.argmin(distance))
        confidence[nearest] += 0.0 if raised[nearest] else clear[k]
        raised[nearest] = True
    every_s = np.concatenate([times_s, stopped_s[own]])
    order = np.argsort(every_s, kind="stable")
    return every_s[order], np.concatenate([confidence, clear[own]])[order]


def _window(values: np.ndarray, first: int) -> Float32[np.ndarray, "1 t ..."]:
    """A window of one size; the film's last frame is held beyond its end."""
    cut = np.asarray(values[first : first + _WINDOW], np.float32)
    return np.pad(cut, [(0, _WINDOW - len(cut))] + [(0, 0)] * (cut.ndim - 1), mode="edge")[None]


@functools.partial(jax.jit, static_argnums=0)
def _read(net: EventReader, params: Any, features: Array, onset: Array, motion: Array) -> EventsRead:
    return net.apply({"params": params}, features, onset, motion)
