"""What one prepared recording holds, and the vocabularies of its labels."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import numpy as np
from jaxtyping import Float32, Int32

# The label names of the Greatest Hits files (Owens et al. 2016, section 3), in alphabetical order.
MATERIALS = (
    *("carpet", "ceramic", "cloth", "dirt", "drywall", "glass", "grass", "gravel", "leaf", "metal", "paper"),
    *("plastic", "plastic-bag", "rock", "tile", "water", "wood"),
)
ACTIONS = ("hit", "scratch")
UNLABELLED = "None"


RECORD_FORM = 2
"""Counts the forms in which records have been stored; raise it when the stored fields change."""


class Record(TypedDict):
    """One recording as the prepared files hold it, with its media still encoded.

    A builder stores the fields that its recordings have. An opened record has all fields but the last three: what is
    not stored, in records of an older form too, has the default named here. e is the number of events.

    Attributes:
      id: name of the recording.
      duration_s: length of the film in seconds.
      fps: rate of `frames` in pictures a second; frame k is what the screen shows at k / fps seconds.
      rate_hz: sample rate of `audio` in Hz; sample 0 sounds with frame 0.
      channels: number of channels of `audio`, 1 to 8; by default 1.
      sound_source: "wav" (a file beside the film) or "video" (the film's own sound).
      audio: 16-bit FLAC, round(duration_s * rate_hz) samples of each channel; `decode_flac` gives their mean [n],
        `decode_channels` all of them [n, c].
      frames: JPEG of every frame, in colour, all of one size.
      annotated: whether somebody looked for events. With True and no events there are none; with False nobody knows.
        By default True, but False for clips with segments (Countix-AV), whose older records do not say.
      event_time_s: annotated events by rising time, in seconds, [e]; by default none.
      event_material: what was struck at each event, e texts, "None" where unlabelled; by default all "None".
      event_action: what the stick did, as `event_material`.
      event_reaction: what the material did, as `event_material`.
      span_s: begin and end of the annotated part in seconds, [2]; by default the whole film.
      label: class of the whole recording, "None" where this one is unlabelled; absent where a data set has none.
      segment_s: begin and end of each repetitive segment in seconds, [s, 2] (Countix-AV only).
      segment_count: how often the action repeats in each segment, [s] (Countix-AV only).
    """

    id: str
    duration_s: float
    fps: float
    rate_hz: int
    channels: int
    sound_source: str
    audio: bytes
    frames: list[bytes]
    annotated: bool
    event_time_s: Float32[np.ndarray, "e"]
    event_material: list[str]
    event_action: list[str]
    event_reaction: list[str]
    span_s: Float32[np.ndarray, "2"]
    label: NotRequired[str]
    segment_s: NotRequired[Float32[np.ndarray, "s 2"]]
    segment_count: NotRequired[Int32[np.ndarray, "s"]]


def record_from_example(example: Mapping[str, Any]) -> Record:
    """Gives a stored example the types of `Record`, and its defaults where a field is not stored.

    Args:
      example: what the reader of the prepared files returns: text as bytes, numbers as lists.

    Returns:
      The record.
    """
    times_s = np.asarray(example.get("event_time_s", ()), np.float32)
    unlabelled = [UNLABELLED] * len(times_s)
    record = Record(
        id=_text(example["id"]),
        # Stored in 32 bits: seven digits undo the rounding of a rate such as 29.97.
        duration_s=float(f"{float(example['duration_s']):.7g}"),
        fps=float(f"{float(example['fps']):.7g}"),
        rate_hz=int(example["rate_hz"]),
        channels=int(example.get("channels", 1)),
        sound_source=_text(example["sound_source"]),
        audio=bytes(example["audio"]),
        frames=[bytes(frame) for frame in example["frames"]],
        annotated=bool(example.get("annotated", "segment_s" not in example)),
        event_time_s=times_s,
        event_material=[_text(name) for name in example.get("event_material", unlabelled)],
        event_action=[_text(name) for name in example.get("event_action", unlabelled)],
        event_reaction=[_text(name) for name in example.get("event_reaction", unlabelled)],
        span_s=np.asarray(example.get("span_s", (0.0, example["duration_s"])), np.float32),
    )
    if "label" in example:
        record["label"] = _text(example["label"])
    if "segment_s" in example:
        record["segment_s"] = np.asarray(example["segment_s"], np.float32).reshape(-1, 2)
        record["segment_count"] = np.asarray(example["segment_count"], np.int32)
    return record


def label_indices(names: Sequence[str], vocabulary: Sequence[str]) -> Int32[np.ndarray, "e"]:
    """Numbers labels by their place in a vocabulary.

    Args:
      names: labels of events, such as `record["event_material"]`.
      vocabulary: the names that have a number, such as `MATERIALS`.

    Returns:
      Index into the vocabulary, -1 for "None".

    Raises:
      ValueError: if a label is in neither.
    """
    index = {name: number for number, name in enumerate(vocabulary)} | {UNLABELLED: -1}
    unknown = sorted(set(names) - set(index))
    if unknown:
        raise ValueError(f"label {unknown[0]!r} is not in the vocabulary {', '.join(vocabulary)}")
    return np.array([index[name] for name in names], np.int32)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
