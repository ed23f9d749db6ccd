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


class Record(TypedDict):
    """One recording as the prepared files hold it, with its media still encoded.

    Attributes:
      id: name of the recording.
      duration_s: length of the film in seconds.
      fps: rate of `frames`; frame k is what the screen shows at k / fps seconds.
      rate_hz: sample rate of `audio`; sample 0 sounds with frame 0.
      sound_source: "wav" (a file beside the film) or "video" (the film's own sound).
      audio: FLAC, one channel.
      frames: JPEG of every frame, in colour, all of one size.
      event_time_s: annotated events by rising time, in seconds.
      event_material: material struck at each event, "None" where unlabelled; so for action and reaction.
      event_action: what the stick did.
      event_reaction: what the material did.
      span_s: begin and end of the annotated part, in seconds.
      label: class of the whole clip (Countix-AV only), "None" where unlabelled.
      segment_s: begin and end of each repetitive segment in seconds (Countix-AV only).
      segment_count: how often the action repeats in each segment (Countix-AV only).
    """

    id: str
    duration_s: float
    fps: float
    rate_hz: int
    sound_source: str
    audio: bytes
    frames: list[bytes]
    event_time_s: Float32[np.ndarray, "e"]
    event_material: list[str]
    event_action: list[str]
    event_reaction: list[str]
    span_s: Float32[np.ndarray, "2"]
    label: NotRequired[str]
    segment_s: NotRequired[Float32[np.ndarray, "s 2"]]
    segment_count: NotRequired[Int32[np.ndarray, "s"]]


def record_from_example(example: Mapping[str, Any]) -> Record:
    """Gives a stored example the types of `Record`; stored text comes back as bytes, numbers as lists.

    Args:
      example: what the reader of the prepared files returns.

    Returns:
      The record.
    """
    record = Record(
        id=_text(example["id"]),
        # Stored in 32 bits: seven digits undo the rounding of a rate such as 29.97.
        duration_s=float(f"{float(example['duration_s']):.7g}"),
        fps=float(f"{float(example['fps']):.7g}"),
        rate_hz=int(example["rate_hz"]),
        sound_source=_text(example["sound_source"]),
        audio=bytes(example["audio"]),
        frames=[bytes(frame) for frame in example["frames"]],
        event_time_s=np.asarray(example["event_time_s"], np.float32),
        event_material=[_text(name) for name in example["event_material"]],
        event_action=[_text(name) for name in example["event_action"]],
        event_reaction=[_text(name) for name in example["event_reaction"]],
        span_s=np.asarray(example["span_s"], np.float32),
    )
    if "label" in example:
        record["label"] = _text(example["label"])
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
