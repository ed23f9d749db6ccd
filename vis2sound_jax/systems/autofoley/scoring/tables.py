"""The numbers of every row, with intervals over clips."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from vis2sound_jax.audio.amplitudes import AmplitudeSpec
from vis2sound_jax.evaluation.bootstrap import Estimate, Resampler, estimate
from vis2sound_jax.evaluation.sound_judge import SoundJudge
from vis2sound_jax.systems.autofoley.scoring import measures
from vis2sound_jax.systems.autofoley.scoring.rows import CHANCE, Item, Made
from vis2sound_jax.systems.autofoley.sounds import hear_rows

COLUMNS = {
    "class": "class recognised",
    "retrieval": "class heard by the judge",
    "smooth_l1": "SmoothL1",
    "onset_f1": "onset F1, ±0.05 s",
    "envelope_r": "envelope r",
    "lag": "median |lag|, columns",
    "level_db": "|level|, dB off",
    "slope_db": "|slope|, dB/octave off",
}
"""Metrics and their headings."""
Scores = Mapping[str, Mapping[str, Estimate]]


class Clip(NamedTuple):
    """What is measured of one soundtrack; NaN where a measure does not apply."""

    smooth_l1: float
    onsets: measures.OnsetCounts
    envelope_r: float
    lag: float
    level_db: float
    slope_db: float
    heard: np.ndarray


def measure(made: Made, item: Item, spec: AmplitudeSpec) -> Clip:
    """Measures a soundtrack.

    Args:
      made: the soundtrack.
      item: its clip.
      spec: how sound is heard.
    """
    size = len(item.rows)
    wav = np.pad(made.wav, (0, max(0, len(item.wav) - len(made.wav))))[: len(item.wav)]
    heard = hear_rows(np.clip(wav, -1, 1).astype(np.float32), spec)
    rows = heard if made.rows is None else made.rows
    rows = rows[np.minimum(np.arange(size), len(rows) - 1)]
    error = np.abs(rows - item.rows)
    contacts, none = item.contact_s, measures.OnsetCounts(0, 0, 0)
    struck = contacts is not None
    onsets = none if contacts is None else measures.onset_counts(wav, spec.rate_hz, contacts)
    likeness, lag = measures.envelope_likeness(measures.envelope(heard[:size]), measures.envelope(item.rows))
    return Clip(
        float(np.where(error < 1, 0.5 * error**2, error - 0.5).mean()),
        onsets,
        float("nan") if struck else likeness,
        float("nan") if struck else abs(lag),
        abs(measures.level_db(wav) - measures.level_db(item.wav)),
        abs(measures.slope_db(wav, spec.rate_hz) - measures.slope_db(item.wav, spec.rate_hz)),
        heard[:size],
    )


def scores(
    rows: Mapping[str, Sequence[Made]],
    items: Sequence[Item],
    recognised: Mapping[str, Sequence[int]],
    judge: SoundJudge,
    spec: AmplitudeSpec,
    classes: int,
    *,
    seed: int,
) -> Scores:
    """Scores all rows.

    Args:
      rows: row → a soundtrack for each clip.
      items: the clips.
      recognised: row → the class that was recognised in each film, for rows of networks.
      judge: names the class of a sound.
      spec: how sound is heard.
      classes: how many there are.
      seed: of the intervals.

    Returns:
      Row → metric → estimate, with a row for chance.
    """
    labels, resampler = np.array([item.label for item in items]), Resampler.over([item.id for item in items], seed=seed)
    ones, found = [1.0] * len(items), {}
    for name, made in rows.items():
        clips = [measure(one, item, spec) for one, item in zip(made, items, strict=True)]
        told = judge.names([clip.heard for clip in clips])
        found[name] = {"retrieval": resampler.ratio((told == labels).tolist(), ones), **_means(clips, resampler)}
        if name in recognised:
            right = (np.array(recognised[name]) == labels).tolist()
            found[name]["class"] = resampler.ratio(right, ones)
    even = Estimate(1 / classes, float("nan"), float("nan"))
    found[CHANCE] = {"class": even, "retrieval": even}
    return found


def _means(clips: Sequence[Clip], resampler: Resampler) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    for name in ("smooth_l1", "envelope_r", "level_db", "slope_db"):
        values = np.array([getattr(clip, name) for clip in clips])
        known = np.isfinite(values)
        if known.any():
            found[name] = resampler.ratio(np.where(known, values, 0.0).tolist(), known.tolist())
    counts = np.array([clip.onsets for clip in clips], float)
    if counts[:, 2].any():
        found["onset_f1"] = resampler.ratio((2 * counts[:, 0]).tolist(), (counts[:, 1] + counts[:, 2]).tolist())
    lags = np.array([clip.lag for clip in clips])
    if np.isfinite(lags).any():
        found["lag"] = _median(lags, resampler)
    return found


def _median(values: np.ndarray, resampler: Resampler) -> Estimate:
    """The median of what is known, and of every resampled set of clips."""
    known = np.isfinite(values)
    order = np.argsort(np.where(known, values, np.inf))
    weights = resampler.weights[:, resampler.index] * known
    reached = np.cumsum(weights[:, order], axis=1)
    half = (reached >= 0.5 * reached[:, -1:]).argmax(axis=1)
    return estimate(np.where(reached[:, -1] > 0, values[order][half], np.nan))


def confusion(labels: Sequence[int], told: Sequence[int], classes: int) -> Int[np.ndarray, "c c"]:
    """Counts which class was taken for which.

    Args:
      labels: true classes.
      told: recognised ones.
      classes: how many there are.

    Returns:
      True classes by rows.
    """
    table = np.zeros((classes, classes), int)
    np.add.at(table, (np.asarray(labels), np.asarray(told)), 1)
    return table


def as_json(found: Scores) -> dict[str, Any]:
    """The scores as a JSON object.

    Args:
      found: as `scores` returns them.
    """
    return {row: {name: one.as_dict() for name, one in columns.items()} for row, columns in found.items()}
