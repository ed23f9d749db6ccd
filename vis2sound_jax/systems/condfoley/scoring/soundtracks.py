"""The corrected conditional-Foley protocol: every way to make a soundtrack, judged by its sound alone.

After Du et al. 2023 section 4, corrected: onsets against the annotations and not against a detector, materials
and actions against human labels and not against a classifier's opinion of the true sound, the real sound as
ceiling and chance as floor, and 95 % intervals over recordings.

F1 and counts are of the onsets that one listener stands by, the same for every row: its threshold is that of the real
sounds of validation recordings. Timbre is judged apart from timing: the classifier listens at the sound's own onset
nearest to each annotated event (at the annotated time where the sound has none), and onset scores alone say whether it
comes on time. Loudness and centroid are compared at the annotated times. The published protocol of `published` is kept
beside it, apart and under its own name.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vis2sound_jax.audio.onsets import DECIDED, decided_onsets, onset_events
from vis2sound_jax.evaluation.baselines import random_events
from vis2sound_jax.evaluation.bootstrap import Estimate, Resampler
from vis2sound_jax.evaluation.classifiers import EventClassifier, event_features, labelled
from vis2sound_jax.evaluation.detection import onset_metrics
from vis2sound_jax.evaluation.event_levels import centroid_hz, loudness_db
from vis2sound_jax.evaluation.onset_matching import OnsetClip
from vis2sound_jax.evaluation.onset_scores import counts_agree, rank_clip
from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem, as_list
from vis2sound_jax.systems.condfoley.scoring.published import PROTOCOL, evaluate_published

REAL_ROW = "real sound"
CHANCE_ROW = "chance"


@dataclass(frozen=True)
class FoleyScores:
    """What the protocol found.

    Attributes:
      rows: by row and metric, the estimate.
      legacy: by row and metric of `published.PUBLISHED_METRICS`, the estimate under the published protocol.
      confusion: by row and kind, counts [true class, predicted class] in the order of the classifier's
        classes.
      classes: by kind, the classifier's classes.
      examples: one JSON-ready dictionary per judged sound.
      n_items: number of test pairs.
      n_events: number of annotated events in them; where nobody annotated a recording, no onset of it is scored.
      n_recordings: number of recordings they come from.
    """

    rows: dict[str, dict[str, Estimate]]
    legacy: dict[str, dict[str, Estimate]]
    confusion: dict[str, dict[str, np.ndarray]]
    classes: dict[str, tuple[str, ...]]
    examples: list[dict[str, Any]]
    n_items: int
    n_events: int
    n_recordings: int

    def as_dict(self) -> dict[str, Any]:
        """Everything but the examples, for metrics.json.

        Returns:
          A JSON-ready nested dictionary.
        """
        return {
            "items": self.n_items,
            "events": self.n_events,
            "recordings": self.n_recordings,
            "rows": _plain(self.rows),
            "legacy": {"protocol": PROTOCOL, "rows": _plain(self.legacy)},
            "classes": {kind: list(names) for kind, names in self.classes.items()},
            "confusion": {
                row: {kind: counts.tolist() for kind, counts in kinds.items()} for row, kinds in self.confusion.items()
            },
        }


def _plain(rows: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    return {row: {name: e.as_dict() for name, e in metrics.items()} for row, metrics in rows.items()}


@dataclass(frozen=True)
class _Heard:
    """What one sound of one item is judged by."""

    item: FoleyItem
    clip: OnsetClip
    decided_s: np.ndarray | None  # None where no threshold tells
    predicted: Mapping[str, np.ndarray] = field(default_factory=dict)
    loudness: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    centroid: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))


def evaluate_condfoley(
    items: Sequence[FoleyItem],
    rate_hz: int,
    classifiers: Mapping[str, EventClassifier],
    *,
    threshold: float | None = DECIDED,
    seed: int = 0,
) -> FoleyScores:
    """Scores every row of the items' takes, the real sound and chance.

    Args:
      items: test pairs; all have the same rows.
      rate_hz: sample rate of all sounds.
      classifiers: by kind ("material", "action"), fitted on real training sounds; kinds without one are
        left out.
      threshold: confidence from which an onset is heard, not chosen on these items; None leaves F1 and counts without
        a value.
      seed: of the bootstrap and of chance.

    Returns:
      Per row: the onset metrics of `detection.onset_metrics`; for each kind the accuracy against the
      target's human labels (`material`), its class average (`material_class_mean`) and the agreement with
      the commonest label of the condition window (`material_of_condition`); `loudness_r` and `centroid_r`
      against the true sound. Apart from these, in `legacy`, the scores of the published protocol.

    Raises:
      ValueError: for no items, or items whose rows differ.
    """
    rows = _rows(items)
    heard = {
        row: [_listen(i, wav, rate_hz, classifiers, threshold) for i in items for wav in as_list(i.takes[row])]
        for row in rows
    }
    heard[REAL_ROW] = [_listen(item, item.wav, rate_hz, classifiers, threshold) for item in items]
    heard[CHANCE_ROW] = _chance(heard[REAL_ROW], rate_hz, seed)
    classes = {kind: classifier.classes for kind, classifier in classifiers.items()}
    scores = {row: _score(sounds, classifiers, seed) for row, sounds in heard.items()}
    del scores[CHANCE_ROW]["count_match"]  # it was given the true count
    legacy = evaluate_published(items, rate_hz, classifiers, real_row=REAL_ROW, chance_row=CHANCE_ROW, seed=seed)
    return FoleyScores(
        rows=scores,
        legacy=legacy.rows,
        confusion={row: {k: _confusion(sounds, k, classes[k]) for k in classes} for row, sounds in heard.items()},
        classes=classes,
        examples=[
            {**_example(row, sound), "legacy": published}
            for row, sounds in heard.items()
            for sound, published in zip(sounds, legacy.examples[row], strict=True)
        ],
        n_items=len(items),
        n_events=sum(len(item.target.time_s) for item in items if item.target.annotated),
        n_recordings=len({item.recording for item in items}),
    )


def _rows(items: Sequence[FoleyItem]) -> list[str]:
    if not items:
        raise ValueError("no test items; give at least one pair")
    rows = list(items[0].takes)
    for item in items:
        if set(item.takes) != set(rows):
            raise ValueError(f"item {item.name} has rows {sorted(item.takes)}, but the first has {sorted(rows)}")
    return rows


def _listen(
    item: FoleyItem,
    wav: np.ndarray,
    rate_hz: int,
    classifiers: Mapping[str, EventClassifier],
    threshold: float | None,
) -> _Heard:
    events = item.target
    times = np.asarray(events.time_s, np.float64)
    candidates = onset_events(wav, rate_hz)
    clip = OnsetClip(times, *candidates, item.span_s)
    decided = None if threshold is None else decided_onsets(*candidates, threshold=threshold)
    features = event_features(wav, rate_hz, _nearest(times, decided_onsets(*candidates)))
    levels = [
        np.stack([measure(sound, rate_hz, times) for sound in (item.wav, wav)], axis=1)
        for measure in (loudness_db, centroid_hz)
    ]
    predicted = {kind: np.array(c.predict(features), dtype=str) for kind, c in classifiers.items()}
    return _Heard(item, clip, decided, predicted, *levels)


def _nearest(times: np.ndarray, own: np.ndarray) -> np.ndarray:
    if own.size == 0 or times.size == 0:
        return times
    return own[np.argmin(np.abs(np.subtract.outer(times, own)), axis=1)]


def _chance(real: Sequence[_Heard], rate_hz: int, seed: int) -> list[_Heard]:
    """Random times with the true count, labels and levels of random test events."""
    rng = np.random.default_rng(seed)
    spans = [h.item.span_s or (0.0, len(h.item.wav) / rate_hz) for h in real]
    inside = [
        np.sum((h.clip.reference_s >= s) & (h.clip.reference_s < e)) for h, (s, e) in zip(real, spans, strict=True)
    ]
    times = random_events([int(n) for n in inside], spans, seed)
    sizes = np.cumsum([len(h.item.target.time_s) for h in real])[:-1]

    def shuffled(values: list[np.ndarray]) -> list[np.ndarray]:
        return np.split(rng.permutation(np.concatenate(values)), sizes)

    kinds = list(real[0].predicted)
    labels = {kind: _random_labels([h.item.target.labels(kind) for h in real], rng) for kind in kinds}
    levels = {name: shuffled([getattr(h, name)[:, 0] for h in real]) for name in ("loudness", "centroid")}
    return [
        _Heard(
            h.item,
            OnsetClip(h.clip.reference_s, *times[i], h.item.span_s),
            times[i][0],
            {kind: labels[kind][i] for kind in kinds},
            *(np.stack([getattr(h, name)[:, 0], levels[name][i]], axis=1) for name in levels),
        )
        for i, h in enumerate(real)
    ]


def _random_labels(true: Sequence[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Guesses from the frequencies of the human labels; nothing is guessed where nothing is labelled."""
    pool = np.concatenate(true)
    pool = pool[labelled(pool)]
    return [rng.choice(pool, labels.size) if pool.size else labels for labels in true]


def _score(sounds: Sequence[_Heard], classifiers: Mapping[str, EventClassifier], seed: int) -> dict[str, Estimate]:
    resampler = Resampler.over([h.item.recording for h in sounds], seed=seed)
    sure = [h for h in sounds if h.item.target.annotated]
    draws = Resampler.over([h.item.recording for h in sure], seed=seed)
    decided = [h.decided_s for h in sure if h.decided_s is not None]
    metrics = onset_metrics([h.clip for h in sure], decided if len(decided) == len(sure) else None, draws)
    for kind, classifier in classifiers.items():
        masks = [labelled(h.item.target.labels(kind)) for h in sounds]
        total = [int(mask.sum()) for mask in masks]
        right = [_right(h, kind) & mask for h, mask in zip(sounds, masks, strict=True)]
        metrics[kind] = resampler.ratio([int(r.sum()) for r in right], total)
        true = [h.item.target.labels(kind) for h in sounds]
        names = sorted({*classifier.classes, *(name for labels in true for name in labels)})
        per_class = [
            np.array([[int(np.sum(m & (t == name))) for name in names] for m, t in zip(marks, true, strict=True)])
            for marks in (right, masks)
        ]
        metrics[f"{kind}_class_mean"] = resampler.class_mean(*per_class)
        wanted = [_commonest(h.item.condition.labels(kind)) for h in sounds]
        agree = [int(np.sum(h.predicted[kind] == w)) for h, w in zip(sounds, wanted, strict=True)]
        heard = [0 if w is None else h.predicted[kind].size for h, w in zip(sounds, wanted, strict=True)]
        metrics[f"{kind}_of_condition"] = resampler.ratio(agree, heard)
    metrics["loudness_r"] = resampler.pearson([h.loudness for h in sounds])
    metrics["centroid_r"] = resampler.pearson([h.centroid for h in sounds])
    return metrics


def _right(sound: _Heard, kind: str) -> np.ndarray:
    return np.asarray(sound.predicted[kind] == sound.item.target.labels(kind), bool)


def _commonest(labels: np.ndarray) -> str | None:
    counts = Counter(sorted(labels[labelled(labels)]))
    return counts.most_common(1)[0][0] if counts else None


def _confusion(sounds: Sequence[_Heard], kind: str, classes: Sequence[str]) -> np.ndarray:
    place = {name: i for i, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for sound in sounds:
        for true, guess in zip(sound.item.target.labels(kind), sound.predicted[kind], strict=True):
            if true in place and guess in place:
                counts[place[true], place[guess]] += 1
    return counts


def _example(row: str, sound: _Heard) -> dict[str, Any]:
    target, ranked = sound.item.target, rank_clip(sound.clip, 0.1)
    out: dict[str, Any] = {
        "row": row,
        "item": sound.item.name,
        "recording": sound.item.recording,
        "annotated": target.annotated,
        "events_s": np.round(np.asarray(target.time_s, float), 4).tolist(),
        "candidate_hits_100ms": int(ranked.hit.sum()),
        **_decided(sound),
    }
    for kind, predicted in sound.predicted.items():
        out[kind] = {"true": target.labels(kind).tolist(), "heard": predicted.tolist()}
    return out


def _decided(sound: _Heard) -> dict[str, Any]:
    """The onsets that are heard, and whether they are as many as there should be; null where no threshold tells."""
    times_s = sound.decided_s
    if times_s is None:
        return {"onsets_s": None, "same_count": None}
    clip = OnsetClip(sound.clip.reference_s, times_s, np.ones(len(times_s)), sound.item.span_s)
    return {"onsets_s": np.round(times_s, 4).tolist(), "same_count": counts_agree(clip)}
