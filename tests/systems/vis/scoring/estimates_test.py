"""Laws of one row: sounds that are there are heard, takes count each, estimates are over recordings."""

import numpy as np
import pytest

from tests.systems.vis.scoring.impact_worlds import MATERIALS, made_up_impacts
from vis2sound_jax.systems.vis.scoring.estimates import Heard, RowScorer, listen
from vis2sound_jax.systems.vis.scoring.impacts import centroid, loudness

TEST = made_up_impacts(1, recordings=4, per_recording=3)
N = len(TEST.recording)


def test_a_row_without_classifiers_has_its_levels() -> None:
    heard = listen(TEST.features, N, {}, "row")
    np.testing.assert_array_equal(heard.clip, np.arange(N))
    np.testing.assert_array_equal(heard.levels["loudness"], loudness(TEST.features))
    np.testing.assert_array_equal(heard.levels["centroid"], centroid(TEST.features))
    assert heard.probabilities == {}


def test_every_take_is_heard_and_a_clip_without_a_sound_is_not() -> None:
    takes = np.stack([TEST.features, 2.0 * TEST.features])
    takes[1, 3] = np.nan
    heard = listen(takes, N, {}, "row")
    assert heard.clip.tolist() == [*range(N), *(k for k in range(N) if k != 3)]
    assert heard.levels["loudness"][-1] == pytest.approx(2.0 * heard.levels["loudness"][N - 1], rel=1e-6)


@pytest.mark.parametrize("features", [TEST.features[1:], TEST.features[0], -TEST.features])
def test_what_is_no_row_is_named(features: np.ndarray) -> None:
    with pytest.raises(ValueError, match="ridge: cochleagrams"):
        listen(features, N, {}, "ridge")


def test_levels_of_the_real_sound_agree_with_themselves() -> None:
    heard = listen(TEST.features, N, {}, "real")
    found = RowScorer(TEST.recording, seed=0).levels(heard, heard.levels)
    for name in ("loudness", "centroid"):
        assert found[f"{name}_mse"].value == found[f"{name}_mse"].high == 0.0
        assert found[f"{name}_r"].value == pytest.approx(1.0)


def test_classes_count_alike_however_many_clips_they_have() -> None:
    labels = np.array(["cloth"] * 8 + ["dirt"] * 2 + ["None", "wood"])
    # Everything sounds like cloth.
    heard = Heard(np.arange(N), {}, {"material": np.tile([1.0, 0.0, 0.0], (N, 1))})
    mean, each = RowScorer(TEST.recording, seed=0).right(heard, "material", MATERIALS, labels)
    assert {name: score.value for name, score in each.items()} == {"cloth": 1.0, "dirt": 0.0, "wood": 0.0}
    assert mean.value == pytest.approx(1 / 3) and mean.low <= mean.value <= mean.high
