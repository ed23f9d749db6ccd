"""The scorer of synchronisation in an evaluation: the takes that it chooses, and how well it tells shifted sound."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.onsets import DECIDED
from vis2sound_jax.data.tokens import TokenRecording
from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.generation.watch import Seen
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.report.parts import Table
from vis2sound_jax.retrieval.takes import Ranking, agreement, choose_take, offset_probability, rank_takes
from vis2sound_jax.systems.condfoley.chain import Foley
from vis2sound_jax.systems.condfoley.scoring.exemplar_rows import EXEMPLAR_ROW
from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem, add_best_take, as_list
from vis2sound_jax.systems.condfoley.scoring.pairs import Pair
from vis2sound_jax.systems.condfoley.scoring.rows import BEST_ROW, TAKE_ROW
from vis2sound_jax.systems.condfoley.scoring.synchrony import SHIFTS_S, ShiftedClip, draw_clips, paired_gains, share_won
from vis2sound_jax.training.progress import track
from vis2sound_jax.video.onsets import onsets_from_probability

AGREEMENT_ROW = "best of {}, by agreement"
OFFSET_ROW = "best of {}, by offset"
BOTH_ROW = "both"
SCORER, AGREEMENT, CHANCE = "scorer", "agreement with onsets seen", "chance"
_ROWS = (BEST_ROW, OFFSET_ROW, AGREEMENT_ROW)
_LONGER_S = (4.0, 8.0)
_CLIPS = 192


class Synchrony(NamedTuple):
    """What an evaluation says of the scorer.

    Attributes:
      share: by row (scorer, agreement, chance) and length of the clips, the share in which the true sound wins.
      gain: by comparison and metric, the paired difference of onset scores.
      accepted: share of test pairs of which at least one take was accepted; None without a scorer.
    """

    share: dict[str, dict[str, Estimate]]
    gain: dict[str, dict[str, Estimate]]
    accepted: float | None

    def as_dict(self) -> dict[str, Any]:
        """Everything, for metrics.json."""
        tables = {"share_in_step_preferred": self.share, "paired_gain": self.gain}
        named = {
            name: {row: {key: one.as_dict() for key, one in cells.items()} for row, cells in table.items()}
            for name, table in tables.items()
        }
        return {**named, "pairs_with_an_accepted_take": self.accepted}

    def tables(self) -> list[Table]:
        """Both tables of the report."""
        low, high = SHIFTS_S
        lengths = {key: f"clips of {key}" for cells in self.share.values() for key in cells}
        metrics = {"onset_f1_100ms": "onset F1, ±0.1 s", "onset_ap_100ms": "onset AP, ±0.1 s"}
        note = f"Share of clips in which the real sound scores above the same sound {low} to {high:g} s early or late."
        paired = "Difference of onset scores, the same draws of recordings for both; above 0 the first is better."
        return [
            Table("Picture and sound in step", note, self.share, floor_row=CHANCE, columns=lengths),
            Table("Chosen take less single take", paired, self.gain, columns=metrics),
        ]


def add_best(
    foley: Foley, tokens: Sequence[TokenRecording], pairs: Sequence[Pair], items: Sequence[FoleyItem], takes: int
) -> tuple[list[FoleyItem], float | None]:
    """Adds the row of the chosen takes; with a scorer, also those that agreement alone and offsets alone choose.

    Args:
      foley: the chain.
      tokens: the test recordings.
      pairs: the test pairs.
      items: their sounds.
      takes: number of takes of each.

    Returns:
      The items with the new rows, that of both engines' takes ranked together among them; and the share of pairs with
      an accepted take, None without a scorer.
    """
    best = BEST_ROW.format(takes)
    if foley.scorer is None:
        plain = add_best_take(items, foley.rate_hz, TAKE_ROW, best)
        return [_with_both(item, _by_agreement(foley, item)) for item in plain], None
    chosen, accepted = [], []
    by_agreement = add_best_take(items, foley.rate_hz, TAKE_ROW, AGREEMENT_ROW.format(takes))
    for pair, item in zip(pairs, by_agreement, strict=True):
        wavs, every = as_list(item.takes[TAKE_ROW]), _all_takes(item)
        first, published = _ranking(foley, tokens, pair, item, wavs)
        mixed, _ = _ranking(foley, tokens, pair, item, every)
        rows = {best: wavs[first.best], OFFSET_ROW.format(takes): wavs[published.best]}
        chosen.append(_with_both(replace(item, takes={**rows, **item.takes}), every[mixed.best]))
        accepted.append(bool(first.accepted.any()))
    return chosen, float(np.mean(accepted))


def _with_both(item: FoleyItem, wav: np.ndarray) -> FoleyItem:
    """Adds the row of both engines' best take, behind that of the engine which is the default."""
    leading = {EXEMPLAR_ROW: item.takes[EXEMPLAR_ROW], BOTH_ROW: wav}
    return replace(item, takes={**leading, **{row: wavs for row, wavs in item.takes.items() if row not in leading}})


def _by_agreement(foley: Foley, item: FoleyItem) -> np.ndarray:
    """The take of either engine that agrees best with what is seen."""
    assert item.video_onsets is not None  # `add_best_take` has asked for them
    every = _all_takes(item)
    return every[choose_take(every, foley.rate_hz, item.video_onsets)]


def _all_takes(item: FoleyItem) -> list[np.ndarray]:
    """Takes of pieces and of codes together."""
    return [*as_list(item.takes[EXEMPLAR_ROW]), *as_list(item.takes[TAKE_ROW])]


def _ranking(
    foley: Foley, tokens: Sequence[TokenRecording], pair: Pair, item: FoleyItem, wavs: list[np.ndarray]
) -> tuple[Ranking, Ranking]:
    """Orders takes as a film's are, and by the published rule."""
    one = tokens[pair.recording]
    seen, first_s = _cut(one, pair.target * one.column_s, foley.window_s)
    logits, step_s = foley.offsets(seen, np.stack(wavs), first_frame_s=first_s)
    assert item.video_onsets is not None  # `add_best_take` has asked for them
    agreements = np.array([agreement(wav, foley.rate_hz, item.video_onsets) for wav in wavs])
    ranking = foley.ranking(logits, step_s, agreements, foley.likenesses(wavs, item.condition_wav))
    return ranking, rank_takes(logits, step_s, foley.config.decoding.tolerance_s)


def measure(
    foley: Foley,
    tokens: Sequence[TokenRecording],
    records: Sequence[Record],
    items: Sequence[FoleyItem],
    accepted: float | None,
    *,
    threshold: float | None = DECIDED,
) -> Synchrony:
    """Measures the scorer on test recordings and the choice on test pairs.

    Args:
      foley: the chain.
      tokens: the test recordings.
      records: the same recordings with sound.
      items: with the rows of `add_best`.
      accepted: as `add_best` returned it.
      threshold: confidence from which an onset is heard; see `synchrony.paired_gains`.

    Returns:
      The tables; without a scorer, agreement alone is measured.
    """
    takes, seed = foley.config.evaluate.takes, foley.config.seed
    names = [row.format(takes) for row in _ROWS[: 1 if foley.scorer is None else None]]
    compared = [(name, TAKE_ROW) for name in names] + [(names[0], other) for other in names[1:]]
    found = paired_gains(items, foley.rate_hz, compared, threshold=threshold, seed=seed)
    gain = {f"{row} − {base}": one for (row, base), one in zip(compared, found, strict=True)}
    return Synchrony(_shares(foley, tokens, [decode_flac(record["audio"])[0] for record in records]), gain, accepted)


def _shares(
    foley: Foley, tokens: Sequence[TokenRecording], wavs: Sequence[np.ndarray]
) -> dict[str, dict[str, Estimate]]:
    """How often each score prefers the true sound, by length of the clips."""
    share: dict[str, dict[str, Estimate]] = {}
    lengths_s = [min(len(one.onset) / one.fps, len(wav) / foley.rate_hz) for one, wav in zip(tokens, wavs, strict=True)]
    for length_s in (foley.window_s, *_LONGER_S):
        clips = draw_clips(lengths_s, [one.event_s for one in tokens], length_s, _CLIPS, foley.config.seed)
        found = [_scores(foley, tokens[clip.recording], wavs[clip.recording], clip) for clip in track(clips, "in step")]
        for row in found[0] if found else ():
            pairs = np.array([scores[row] for scores in found])
            won = share_won(clips, pairs[:, 0], pairs[:, 1], seed=foley.config.seed)
            share.setdefault(row, {})[f"{length_s:.2g} s"] = won
            share.setdefault(CHANCE, {})[f"{length_s:.2g} s"] = Estimate(0.5, 0.5, 0.5)
    return share


def _cut(one: TokenRecording, start_s: float, length_s: float) -> tuple[Seen, float]:
    """What is seen in a clip, and the time from its beginning to that of its first frame."""
    first = round(start_s * one.fps)
    place = slice(first, first + round(length_s * one.fps))
    return Seen(one.features[place].astype(np.float32), one.onset[place]), first / one.fps - start_s


def _scores(foley: Foley, one: TokenRecording, wav: np.ndarray, clip: ShiftedClip) -> dict[str, tuple[float, ...]]:
    """Scores of a clip's own and of the shifted sound, by row."""
    n = round(clip.length_s * foley.rate_hz)
    starts = [round((clip.start_s - late_s) * foley.rate_hz) for late_s in (0.0, clip.late_s)]
    sounds = [np.pad(cut, (0, n - len(cut))) for cut in (wav[start : start + n] for start in starts)]
    times, confidence = onsets_from_probability(one.onset, one.fps)
    inside = (times >= clip.start_s) & (times < clip.start_s + clip.length_s)
    onsets = times[inside] - clip.start_s, confidence[inside]
    rows = {}
    if foley.scorer is not None:
        seen, first_s = _cut(one, clip.start_s, clip.length_s)
        logits, _ = foley.offsets(seen, np.stack(sounds), first_frame_s=first_s)
        rows[SCORER] = tuple(offset_probability(logits)[:, logits.shape[1] // 2].tolist())
    return rows | {AGREEMENT: tuple(agreement(sound, foley.rate_hz, onsets) for sound in sounds)}
