"""What a report is made of: claims, tables, pictures and examples, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from vis2sound_jax.evaluation.bootstrap import Estimate

METRICS = {
    "onset_ap_100ms": "onset AP, ±0.1 s",
    "onset_ap_50ms": "onset AP, ±0.05 s",
    "onset_f1_100ms": "onset F1, ±0.1 s",
    "onset_best_f1_100ms": "best F1, ±0.1 s (threshold of the test films)",
    "count_match": "right count",
    "material": "material",
    "action": "action",
    "material_of_condition": "material of the example",
    "action_of_condition": "action of the example",
    "loudness_r": "loudness r",
    "centroid_r": "centroid r",
}


@dataclass(frozen=True)
class Claim:
    """One number that the report leads with, never without its bounds.

    Attributes:
      text: what the number says.
      score: the number and its interval.
      ceiling: the real sound's, where there is one.
      floor: chance, where there is one.
    """

    text: str
    score: Estimate
    ceiling: Estimate | None = None
    floor: Estimate | None = None


@dataclass(frozen=True)
class Table:
    """Rows by metrics.

    Attributes:
      title: heading of its section.
      note: how to read it.
      rows: by row and metric, the estimate.
      ceiling_row: the row of the real sound, if any: a full meter in every cell.
      floor_row: the row of chance, if any: an empty meter in every cell.
      columns: metrics to show and their headings; those that no row has are left out.
      published: by row and metric, a published number to show under ours.
    """

    title: str
    note: str
    rows: Mapping[str, Mapping[str, Estimate]]
    ceiling_row: str | None = None
    floor_row: str | None = None
    columns: Mapping[str, str] = field(default_factory=lambda: METRICS)
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """A PNG with words for those who do not see it.

    Attributes:
      png: the file's bytes.
      alt: what it shows.
      caption: text under it.
    """

    png: bytes
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Example:
    """One test item to look at and listen to.

    Attributes:
      title: its heading.
      note: a sentence under it.
      rate_hz: sample rate of its sounds.
      sounds: players, waveform by label.
      picture: its mels.
      film: bytes of an MP4, or its path from the page's folder, if any.
    """

    title: str
    note: str
    rate_hz: int
    sounds: Mapping[str, np.ndarray]
    picture: Picture | None = None
    film: bytes | str | None = None


@dataclass(frozen=True)
class Report:
    """All that a report shows, in this order.

    Attributes:
      title: what was evaluated.
      data: the first line: what data it is, such as "procedural recordings, 40 held-out".
      claims: the numbers that matter.
      tables: all rows and metrics.
      pictures: bars and confusion matrices.
      examples: items with players.
      left_out: what could not be used, and why.
    """

    title: str
    data: str
    claims: Sequence[Claim] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    examples: Sequence[Example] = ()
    left_out: Sequence[str] = ()
