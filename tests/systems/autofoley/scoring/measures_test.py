"""Laws of what is measured of a soundtrack, and of the tables."""

from typing import Any

import numpy as np
import pytest

from vis2sound_jax.audio.amplitudes import AmplitudeSpec
from vis2sound_jax.evaluation.bootstrap import Resampler
from vis2sound_jax.systems.autofoley.scoring.measures import (
    envelope,
    envelope_likeness,
    level_db,
    onset_counts,
    slope_db,
)
from vis2sound_jax.systems.autofoley.scoring.rows import Item, Made, shuffled
from vis2sound_jax.systems.autofoley.scoring.tables import _median, confusion, measure, scores
from vis2sound_jax.systems.autofoley.sounds import hear_rows

RATE = 8000
SPEC = AmplitudeSpec(RATE, 128, 80)
RNG = np.random.default_rng(0)


def clicks(*at_s: float, seconds: float = 1.5) -> np.ndarray:
    wav = 1e-4 * RNG.standard_normal(round(seconds * RATE))
    for at in at_s:
        place = round(at * RATE)
        wav[place : place + 400] += 0.2 * RNG.standard_normal(400) * np.exp(-np.arange(400) / 80)
    return wav.astype(np.float32)


def swelling(lag_s: float = 0.0) -> np.ndarray:
    t = np.arange(round(1.5 * RATE)) / RATE - lag_s
    return ((0.1 + 0.07 * np.sin(2 * np.pi * 1.1 * t)) * np.random.default_rng(1).standard_normal(len(t))).astype(
        np.float32
    )


def test_onsets_are_counted_near_contacts() -> None:
    counts = onset_counts(clicks(0.3, 0.9), RATE, np.array([0.31, 0.6, 0.9]))
    assert counts == (2, 2, 3)


@pytest.mark.parametrize("lag", [-7, 0, 5])
def test_a_lag_is_found_to_a_column(lag: int) -> None:
    curve = np.convolve(RNG.standard_normal(150), np.ones(9) / 9, mode="same")
    likeness, found = envelope_likeness(np.roll(curve, lag)[20:120], curve[20:120])
    assert found == lag and (likeness > 0.99) is (lag == 0)


def test_what_stands_still_has_no_likeness() -> None:
    likeness, lag = envelope_likeness(np.ones(50), RNG.random(50))
    assert np.isnan(likeness) and lag == 0


def test_level_and_slope_are_in_decibels() -> None:
    noise = RNG.standard_normal(4 * RATE)
    assert level_db(0.5 * noise) == pytest.approx(level_db(noise) - 6.02, abs=0.01)
    assert slope_db(noise, RATE) == pytest.approx(0, abs=0.4)
    assert slope_db(np.cumsum(noise), RATE) == pytest.approx(-6, abs=0.7)


def items() -> list[Item]:
    sounds = [(0, clicks(0.3, 0.8), [0.3, 0.8]), (0, clicks(0.5), [0.5]), (1, swelling(), None)]
    return [
        Item(f"clip{k}", label, wav, hear_rows(wav, SPEC), None if at is None else np.array(at))
        for k, (label, wav, at) in enumerate(sounds)
    ]


def test_a_real_sound_is_right_in_everything() -> None:
    for item in items():
        clip = measure(Made(item.wav, None), item, SPEC)
        assert clip.smooth_l1 == 0 and clip.level_db == 0 and clip.slope_db == 0
        if item.contact_s is None:
            assert clip.lag == 0 and clip.envelope_r > 0.999 and clip.onsets == (0, 0, 0)
        else:
            assert np.isnan(clip.lag) and clip.onsets.hits == clip.onsets.contacts == clip.onsets.heard


def test_predicted_rows_are_what_is_compared() -> None:
    item = items()[2]
    assert measure(Made(item.wav, item.rows + 2), item, SPEC).smooth_l1 == pytest.approx(1.5, rel=1e-4)


def test_shuffled_films_are_of_the_same_class() -> None:
    every = items()
    made = [Made(item.wav, None) for item in every]
    found = shuffled(made, every)
    assert found[0] is made[1] and found[1] is made[0] and found[2] is made[0]


def test_rows_are_scored_with_chance_beside_them() -> None:
    every = items()
    judge: Any = type("Judge", (), {"names": lambda self, sounds: np.array([0, 0, 0])})()
    made = {"real sound": [Made(item.wav, None) for item in every]}
    found = scores(made, every, {"real sound": [0, 1, 1]}, judge, SPEC, 2, seed=0)
    assert list(found) == ["real sound", "chance"] and found["chance"]["class"].value == 0.5
    row = found["real sound"]
    assert row["class"].value == row["retrieval"].value == pytest.approx(2 / 3)
    assert row["onset_f1"].value == 1 and row["lag"].value == 0 and row["envelope_r"].value > 0.999
    assert envelope(every[0].rows).shape == (150,)


def test_a_median_leaves_out_what_is_not_known() -> None:
    values = np.array([3.0, np.nan, 1.0, 2.0])
    assert _median(values, Resampler.over(range(4))).value == 2.0


def test_a_confusion_counts_pairs() -> None:
    np.testing.assert_array_equal(confusion([0, 1, 1], [0, 0, 1], 2), [[1, 0], [1, 1]])
