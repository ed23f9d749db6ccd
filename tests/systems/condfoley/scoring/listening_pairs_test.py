"""Laws of the listening test's pairs: names hold the times, halves make the whole, columns keep their subset."""

import json
from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem, LabelledEvents
from vis2sound_jax.systems.condfoley.scoring.listening_pairs import (
    SUBSETS,
    AmtPair,
    evaluate_amt,
    present_pairs,
    read_amt_pairs,
    side_by_side,
)

RATE_HZ = 22_050


def test_pairs_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps({"b_c_1.5": {"a_0": 1, "d_2.25": 0}, "a_0.5": {"b_c_3.0": 1}}))
    pairs = read_amt_pairs(path)
    assert pairs == [
        AmtPair("b_c", 1.5, "a", 0.0, match=True),
        AmtPair("b_c", 1.5, "d", 2.25, match=False),
        AmtPair("a", 0.5, "b_c", 3.0, match=True),
    ]
    assert present_pairs(pairs, {"a", "b_c"}) == [pairs[0], pairs[2]] and present_pairs(pairs, {"a"}) == []


def pair(name: str) -> FoleyItem:
    rng = np.random.default_rng(len(name))
    wav = (1e-4 * rng.standard_normal(RATE_HZ)).astype(np.float32)
    wav[11_000:11_800] += 0.5 * (np.exp(-np.arange(800) / 150) * np.sin(np.arange(800))).astype(np.float32)
    events = LabelledEvents(np.array([11_000 / RATE_HZ]), ["wood"], ["hit"])
    return FoleyItem(name, name, events, events, wav, wav, {"take": wav})


@pytest.mark.parametrize("match", [[True, False, False], [True, True, True]])
def test_halves_make_the_whole_and_empty_ones_are_left_out(match: list[bool]) -> None:
    scores = evaluate_amt([pair("a"), pair("bb"), pair("ccc")], match, RATE_HZ, {})
    counts = {"all": 3, "match": sum(match), "mismatch": 3 - sum(match)}
    assert {name: one.n_items for name, one in scores.items()} == {name: n for name, n in counts.items() if n}
    assert list(scores)[0] == SUBSETS[0]


def test_a_flag_for_every_pair() -> None:
    with pytest.raises(ValueError, match="zip"):
        evaluate_amt([pair("a")], [True, False], RATE_HZ, {})


def test_tables_are_joined_by_row_with_the_subset_in_the_column() -> None:
    scores = [Estimate(float(k), k - 1.0, k + 1.0) for k in range(4)]
    tables = {
        "all": {"take": {"ap": scores[0], "material": scores[1]}, "real": {"ap": scores[2]}},
        "match": {"take": {"ap": scores[3]}},
    }
    assert side_by_side(tables) == {
        "take": {"ap, all": scores[0], "material, all": scores[1], "ap, match": scores[3]},
        "real": {"ap, all": scores[2]},
    }
