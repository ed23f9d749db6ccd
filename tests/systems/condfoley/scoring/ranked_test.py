"""Laws of the scorer in an evaluation: its choice is the first row, agreement's stands beside it."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from vis2sound_jax.data.tokens import TokenRecording
from vis2sound_jax.retrieval.takes import Ranking, rank_takes
from vis2sound_jax.systems.condfoley.scoring import ranked
from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem, LabelledEvents
from vis2sound_jax.systems.condfoley.scoring.pairs import Pair

RATE_HZ, FPS = 8000, 25.0


def foley(*, scorer: bool) -> Any:
    """A chain whose scorer takes a sound's first sample, in seconds, for its offset."""

    def offsets(seen: Any, wavs: np.ndarray, *, first_frame_s: float) -> tuple[np.ndarray, float]:
        assert len(seen.onset) == len(seen.features) == 25 and abs(first_frame_s) < 0.51 / FPS
        classes = np.round(wavs[:, 0] / 0.1).astype(int) + 10
        return 20.0 * (np.arange(21) == classes[:, None]), 0.1

    config = SimpleNamespace(decoding=SimpleNamespace(tolerance_s=0.2), evaluate=SimpleNamespace(takes=3), seed=0)

    def likenesses(wavs: list[np.ndarray], example: np.ndarray) -> np.ndarray:
        return np.zeros(len(wavs))

    def ranking(logits: np.ndarray, step_s: float, agreements: np.ndarray, likenesses: np.ndarray) -> Ranking:
        return rank_takes(logits, step_s, config.decoding.tolerance_s)

    known = {"offsets": offsets, "likenesses": likenesses, "ranking": ranking, "config": config}
    return SimpleNamespace(scorer=scorer or None, rate_hz=RATE_HZ, window_s=1.0, **known)


def recording() -> TokenRecording:
    nothing = np.zeros((1, 1), np.float16)
    features, onset = np.zeros((75, 2), np.float16), np.zeros(75, np.float32)
    return TokenRecording("x", nothing, nothing, features, onset, FPS, 0.1, np.array([1.5]))


def item(*offsets_s: float) -> FoleyItem:
    takes = [np.pad([offset_s], (0, RATE_HZ - 1)).astype(np.float32) for offset_s in offsets_s]
    events = LabelledEvents(np.array([0.5]), ["wood"], ["hit"])
    return FoleyItem(
        *("0", "x", events, events, takes[0], takes[0]),
        takes={"take": takes, "exemplar": takes[-1:]},
        video_onsets=(np.zeros(0), np.zeros(0)),
    )


def test_the_scorer_chooses_and_agreement_stands_beside_it() -> None:
    pairs, items = [Pair(0, 11, 0), Pair(0, 3, 0)], [item(0.5, 0.1, -0.2), item(0.6, 0.5, 0.4)]
    found, accepted = ranked.add_best(foley(scorer=True), [recording()], pairs, items, 3)
    chosen = ["best of 3", "best of 3, by offset", "best of 3, by agreement"]
    assert list(found[0].takes) == ["exemplar", "both", *chosen, "take"]
    np.testing.assert_array_equal(found[0].takes["both"], items[0].takes["take"][1])
    assert accepted == 0.5
    np.testing.assert_array_equal(found[0].takes["best of 3"], items[0].takes["take"][1])
    np.testing.assert_array_equal(found[1].takes["best of 3"], items[1].takes["take"][0])


def test_without_a_scorer_agreement_chooses() -> None:
    found, accepted = ranked.add_best(foley(scorer=False), [recording()], [Pair(0, 11, 0)], [item(0.5, 0.0, 0.0)], 3)
    assert list(found[0].takes) == ["exemplar", "both", "best of 3", "take"] and accepted is None
    assert np.shape(found[0].takes["both"]) == (RATE_HZ,)
