"""What is known of the events of a recording: those that somebody annotated, else those that can be heard."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.onsets import onset_times
from vis2sound_jax.prepare.records import UNLABELLED, Record


class KnownEvents(NamedTuple):
    """Times and labels, always as many of one as of the others.

    Attributes:
      time_s: [e] rising times in seconds.
      material: [e] what was struck, "None" where nobody said so.
      action: [e] what the stick did, "None" where nobody said so.
      annotated: whether somebody looked for events; only then can anything be scored against them.
    """

    time_s: Float64[np.ndarray, "e"]
    material: tuple[str, ...]
    action: tuple[str, ...]
    annotated: bool


def known_events(record: Record) -> KnownEvents:
    """Returns the events of a recording with their labels.

    Whether a recording is annotated is what its record says: an annotated one without events has none, and of one that
    nobody annotated the onsets that can be heard stand for them.

    Args:
      record: with its sound.

    Returns:
      The events.
    """
    if record["annotated"]:
        times_s = np.asarray(record["event_time_s"], np.float64)
        return KnownEvents(times_s, tuple(record["event_material"]), tuple(record["event_action"]), annotated=True)
    times_s = np.asarray(onset_times(*decode_flac(record["audio"])), np.float64)
    nobody = (UNLABELLED,) * len(times_s)
    return KnownEvents(times_s, nobody, nobody, annotated=False)


def with_known_events(record: Record) -> Record:
    """Puts what can be heard into a record that nobody annotated, for trainings that cut around events.

    Args:
      record: with its sound.

    Returns:
      The record with the events of `known_events`; `annotated` stays what it was.
    """
    if record["annotated"]:
        return record
    known = known_events(record)
    labels = list(known.material)
    times_s = known.time_s.astype(np.float32)
    return {
        **record,
        "event_time_s": times_s,
        "event_material": labels,
        "event_action": labels,
        "event_reaction": labels,
    }
