"""Does a score tell sound in step with its film from the same sound shifted, and does ranking by it help?

The first question is asked of real recordings: a clip of film beside its own sound, and beside the sound of the same
recording 0.3 s to 1 s earlier or later. A score wins the clip where it is higher for the former. Chance wins half of
them. The second is asked of the takes: onset scores of the chosen take less those of a single take, draw by draw of the
bootstrap over recordings, so that what is hard in a recording weighs on both alike.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from vis2sound_jax.audio.onsets import DECIDED, decided_onsets, onset_events
from vis2sound_jax.evaluation.bootstrap import Estimate, Resampler, estimate
from vis2sound_jax.evaluation.onset_matching import OnsetClip
from vis2sound_jax.evaluation.onset_scores import count_hits, rank_clip
from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem, as_list

SHIFTS_S = (0.3, 1.0)
_WINDOW_S = 0.1
_TRIES = 50
_ALL = np.array([-np.inf])


class ShiftedClip(NamedTuple):
    """A clip of film, and by how much the sound beside it is shifted.

    Attributes:
      recording: index of the recording.
      start_s: where the clip begins in film and sound.
      length_s: how long it is.
      late_s: how much later what it shows is heard in the shifted sound; negative is earlier.
    """

    recording: int
    start_s: float
    length_s: float
    late_s: float


def draw_clips(
    durations_s: Sequence[float], events_s: Sequence[np.ndarray], length_s: float, count: int, seed: int
) -> list[ShiftedClip]:
    """Draws clips evenly over recordings, anywhere in them, but with an event inside.

    Args:
      durations_s: of each recording.
      events_s: known times of each recording.
      length_s: of a clip.
      count: number of clips wanted.
      seed: of the draw.

    Returns:
      Clips whose shifted sound is inside the recording too, shifts uniform in size and equally often early and late.
      Fewer, or none, where recordings are too short or have no events.
    """
    rng = np.random.default_rng(seed)
    usable = [k for k, duration_s in enumerate(durations_s) if duration_s >= length_s + SHIFTS_S[0]]
    clips = []
    for k in np.resize(usable, count if usable else 0):
        for _ in range(_TRIES):
            start_s = rng.uniform(0.0, durations_s[k] - length_s)
            late_s = rng.uniform(*SHIFTS_S) * rng.choice([-1.0, 1.0])
            inside = np.any((events_s[k] >= start_s) & (events_s[k] < start_s + length_s))
            if inside and 0.0 <= start_s - late_s <= durations_s[k] - length_s:
                clips.append(ShiftedClip(int(k), float(start_s), length_s, float(late_s)))
                break
    return clips


def share_won(
    clips: Sequence[ShiftedClip],
    in_step: Float[np.ndarray, "clips"],
    shifted: Float[np.ndarray, "clips"],
    *,
    seed: int = 0,
) -> Estimate:
    """The share of clips whose true sound scores higher; a tie counts half.

    Args:
      clips: the clips.
      in_step: score of each clip with its own sound.
      shifted: score with the shifted sound.
      seed: of the bootstrap over recordings.

    Returns:
      The share with its interval, NaN without clips.
    """
    won = np.sign(in_step - shifted) / 2.0 + 0.5
    resampler = Resampler.over([clip.recording for clip in clips], seed=seed)
    return resampler.ratio(won.tolist(), np.ones(len(won)).tolist())


def paired_gains(
    items: Sequence[FoleyItem],
    rate_hz: int,
    compared: Sequence[tuple[str, str]],
    *,
    threshold: float | None = DECIDED,
    seed: int = 0,
) -> list[dict[str, Estimate]]:
    """How much better one row's onsets are than another's, against the annotations and within 0.1 s.

    Args:
      items: test pairs with all the rows; those of recordings that nobody annotated are left out.
      rate_hz: sample rate of the sounds.
      compared: pairs of rows, such as the chosen take and a single take; of several sounds an item all count.
      threshold: confidence from which an onset is heard, not chosen on these items; None leaves F1 without a value.
      seed: of the bootstrap over recordings, the same draws for all.

    Returns:
      For each pair of rows the difference of `onset_f1_100ms` and of `onset_ap_100ms`, positive where the first is
      better; NaN where nothing is annotated.
    """
    items = [item for item in items if item.target.annotated]
    if not items:
        return [dict.fromkeys(("onset_f1_100ms", "onset_ap_100ms"), estimate(np.full(1, np.nan))) for _ in compared]
    rows = dict.fromkeys(row for pair in compared for row in pair)
    draws = {row: _draws(items, rate_hz, row, threshold, seed) for row in rows}
    return [
        {
            "onset_f1_100ms": estimate(draws[row][0] - draws[base][0]),
            "onset_ap_100ms": estimate(draws[row][1] - draws[base][1]),
        }
        for row, base in compared
    ]


def _draws(
    items: Sequence[FoleyItem], rate_hz: int, row: str, threshold: float | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """F1 and AP of one row on the test set and on every draw; F1 is NaN where no threshold tells."""
    sounds = [(item, wav) for item in items for wav in as_list(item.takes[row])]
    # Draws depend on the recordings in order of appearance, which all rows share.
    resampler = Resampler.over([item.recording for item, _ in sounds], seed=seed)
    counts, ranked = [], []
    for item, wav in sounds:
        true, candidates = np.asarray(item.target.time_s, float), onset_events(wav, rate_hz)
        decided = decided_onsets(*candidates, threshold=np.inf if threshold is None else threshold)
        counts.append(count_hits(OnsetClip(true, decided, np.ones(len(decided)), item.span_s), _WINDOW_S, _ALL))
        ranked.append(rank_clip(OnsetClip(true, *candidates, item.span_s), _WINDOW_S))
    f1 = resampler.f1_draws(counts)
    return np.full_like(f1, np.nan) if threshold is None else f1, resampler.pooled_ap_draws(ranked)
