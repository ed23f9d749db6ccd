"""Examples for the event reader: clips of what an encoder saw, beside what people wrote down of the events in them."""

import dataclasses
import math
from typing import Any

import numpy as np
from jaxtyping import Float32

HIT, SCRATCH = "hit", "scratch"
_NEAR_FRAMES = 2  # so many frames on both sides of an event learn its kind and force
_REACH = 4.0  # standard deviations after which a bump has ended


@dataclasses.dataclass(frozen=True)
class EventRecording:
    """A recording as the event reader learns from it; frame k is at (k + 0.5) / fps.

    Attributes:
      features: [t, d] the video encoder's features.
      onset: [t] the video encoder's onset probability.
      motion: [t, m] curves of motion energy; see `video.motion.motion_curves`.
      fps: rate of all three.
      event_s: [e] times of the events in seconds.
      action: [e] "hit", "scratch", or another text where nobody said so.
      loudness_db: [e] level of the sound at each event; None for a film without sound.
      span_s: first and last second in which events are annotated.
    """

    features: np.ndarray
    onset: np.ndarray
    motion: np.ndarray
    fps: float
    event_s: np.ndarray
    action: tuple[str, ...]
    loudness_db: np.ndarray | None
    span_s: tuple[float, float]


def event_clip(
    recording: EventRecording, rng: np.random.Generator, *, frames: int, spread_s: float, force_db: float
) -> dict[str, Any]:
    """Cuts a training example for `EventsTask`.

    Args:
      recording: where from; a shorter one is filled up with frames of which nothing is known.
      rng: source of the place.
      frames: length of the clip, t.
      spread_s: standard deviation in seconds of the bump that marks an event in the target.
      force_db: decibels of one unit of force.

    Returns:
      `features`, `onset` and `motion` as seen, `target`, `scratch` and `force`, and the masks `known`, `named` and
      `struck`, all float32.
    """
    total = len(recording.onset)
    start = int(rng.integers(0, max(total - frames, 0) + 1))
    arrays = {"features": recording.features, "onset": recording.onset, "motion": recording.motion}
    arrays |= _targets(recording, spread_s, force_db)
    cuts = {name: np.asarray(values[start : start + frames], np.float32) for name, values in arrays.items()}
    return {name: _filled(cut, frames) for name, cut in cuts.items()}


def _targets(recording: EventRecording, spread_s: float, force_db: float) -> dict[str, Float32[np.ndarray, "t"]]:
    """Lays annotations out over the frames of a whole recording."""
    total, fps = len(recording.onset), recording.fps
    at_s = (np.arange(total) + 0.5) / fps
    names = ("target", "scratch", "force", "named", "struck")
    out = {name: np.zeros(total, np.float32) for name in names}
    known = ((at_s >= recording.span_s[0]) & (at_s < recording.span_s[1])).astype(np.float32)
    levels_db = recording.loudness_db
    mean_db = levels_db.mean() if levels_db is not None and len(levels_db) else 0.0
    for k, (time_s, action) in enumerate(zip(recording.event_s, recording.action, strict=True)):
        distance = np.abs(at_s - time_s) / spread_s
        bump = np.where(distance < _REACH, np.exp(-0.5 * distance**2), 0.0)
        out["target"] = np.maximum(out["target"], bump).astype(np.float32)
        frame = math.floor(time_s * fps)
        near = slice(max(frame - _NEAR_FRAMES, 0), max(frame + _NEAR_FRAMES + 1, 0))
        if levels_db is not None:
            out["struck"][near] = known[near]
            out["force"][near] = (levels_db[k] - mean_db) / force_db
        if action in (HIT, SCRATCH):
            out["named"][near] = known[near]
            out["scratch"][near] = float(action == SCRATCH)
    return out | {"known": known}


def _filled(cut: Float32[np.ndarray, "t ..."], frames: int) -> Float32[np.ndarray, "s ..."]:
    """Fills a clip up to its length with zeros, of which the masks say that nothing is known."""
    missing = [(0, frames - len(cut))] + [(0, 0)] * (cut.ndim - 1)
    return np.pad(cut, missing)
