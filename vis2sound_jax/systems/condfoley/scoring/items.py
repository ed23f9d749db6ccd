"""Test pairs of conditional Foley: a silent target window, an example window, the sounds made for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vis2sound_jax.evaluation.onset_matching import Span
from vis2sound_jax.retrieval.takes import choose_take


@dataclass(frozen=True)
class LabelledEvents:
    """Known events of a window.

    Attributes:
      time_s: [e] times from the window's start, in seconds.
      material: [e] material struck, "None" where unlabelled.
      action: [e] "hit" or "scratch", "None" where unlabelled.
      annotated: whether somebody looked for events; otherwise they are those heard, and no onset is scored by them.
    """

    time_s: np.ndarray
    material: Sequence[str]
    action: Sequence[str]
    annotated: bool = True

    def labels(self, kind: str) -> np.ndarray:
        """The labels of one kind.

        Args:
          kind: "material" or "action".

        Returns:
          [e] labels.
        """
        return np.array({"material": self.material, "action": self.action}[kind], dtype=str)


@dataclass(frozen=True)
class FoleyItem:
    """One test pair: a silent target window, a condition window, and the sounds made for it.

    Attributes:
      name: unique name of the pair.
      recording: the recording of the target, the unit of the bootstrap.
      target: known events of the target window.
      condition: known events of the condition window.
      wav: [n] the true sound of the target window.
      condition_wav: [n] the sound of the condition window.
      takes: by row, the sound or several sounds made for the target; each is judged.
      span_s: the annotated part of the window, None where all of it is.
      video_onsets: (times, confidence) that the video encoder sees in the target window.
    """

    name: str
    recording: str
    target: LabelledEvents
    condition: LabelledEvents
    wav: np.ndarray
    condition_wav: np.ndarray
    takes: Mapping[str, np.ndarray | Sequence[np.ndarray]]
    span_s: Span | None = None
    video_onsets: tuple[np.ndarray, np.ndarray] | None = None


def add_best_take(items: Sequence[FoleyItem], rate_hz: int, source: str, row: str) -> list[FoleyItem]:
    """Adds a row with the take of each item that agrees best with what the video encoder sees.

    Args:
      items: test pairs with several takes in `source` and with video onsets.
      rate_hz: sample rate of the takes.
      source: the row whose takes are compared.
      row: name of the new row, placed first.

    Returns:
      The items with the new row.

    Raises:
      ValueError: where an item has no video onsets.
    """
    chosen = []
    for item in items:
        if item.video_onsets is None:
            raise ValueError(f"item {item.name} has no video onsets to choose a take by; pass video_onsets")
        takes = as_list(item.takes[source])
        best = takes[choose_take(takes, rate_hz, item.video_onsets)]
        chosen.append(replace(item, takes={row: best, **item.takes}))
    return chosen


def as_list(takes: np.ndarray | Sequence[np.ndarray]) -> list[np.ndarray]:
    """The sounds of a row, be it one or several.

    Args:
      takes: [n] one waveform, or several of them.

    Returns:
      The waveforms.
    """
    return [takes] if isinstance(takes, np.ndarray) and takes.ndim == 1 else list(takes)
