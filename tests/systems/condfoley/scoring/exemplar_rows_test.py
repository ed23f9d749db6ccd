"""Laws of the rows of the exemplar engine: all rows, right lengths; the ceiling hits the true times."""

import numpy as np
import pytest

from vis2sound_jax.audio.onsets import onset_times
from vis2sound_jax.run.steps import Events
from vis2sound_jax.systems.condfoley.event_rule import EventRule
from vis2sound_jax.systems.condfoley.scoring.exemplar_rows import EXEMPLAR_ROW, RULES, TRUE_TIMES_ROW, exemplar_rows
from vis2sound_jax.systems.condfoley.scoring.items import LabelledEvents

RATE_HZ, LENGTH = 22_050, 44_100
TRUE = LabelledEvents(np.array([0.5, 1.2]), ["wood", "wood"], ["hit", "None"])
SEEN = Events(
    np.array([0.52, 0.9, 1.6]), np.array([0.9, 0.01, 0.8]), tuple({"id": k, "scratch": 0.1} for k in (3, 4, 5))
)


def example() -> np.ndarray:
    wav = 0.0005 * np.random.default_rng(0).standard_normal(2 * RATE_HZ)
    t = np.arange(6000) / RATE_HZ
    for time_s in (0.3, 1.1):
        wav[round(time_s * RATE_HZ) :][:6000] += 0.6 * np.exp(-t / 0.04) * np.sin(2 * np.pi * 800 * t)
    return wav.astype(np.float32)


def rows(wav: np.ndarray, seed: int = 0) -> dict:
    return exemplar_rows(wav, RATE_HZ, SEEN, TRUE, EventRule(threshold=0.3), LENGTH, seed=seed, takes=3)


def test_every_row_sounds_at_the_events_that_are_sure_enough() -> None:
    found = rows(example())
    assert set(found) == {*RULES, TRUE_TIMES_ROW} and len(found[EXEMPLAR_ROW]) == 3
    for row, wavs in found.items():
        for wav in wavs if row == EXEMPLAR_ROW else [wavs]:
            assert wav.shape == (LENGTH,) and np.abs(wav).max() <= 1
            wanted = TRUE.time_s if row == TRUE_TIMES_ROW else SEEN.times_s[[0, 2]]
            np.testing.assert_allclose(onset_times(wav, RATE_HZ), wanted, atol=0.015)


def test_takes_differ_and_the_seed_decides() -> None:
    takes = rows(example())[EXEMPLAR_ROW]
    assert (takes[0] != takes[1]).any()
    np.testing.assert_array_equal(takes[2], rows(example())[EXEMPLAR_ROW][2])
    assert (takes[0] != rows(example(), seed=1)[EXEMPLAR_ROW][0]).any()


@pytest.mark.parametrize("wav", [np.zeros(RATE_HZ, np.float32), np.zeros(0, np.float32)])
def test_a_silent_example_gives_silence(wav: np.ndarray) -> None:
    found = rows(wav)
    assert not any(np.any(sound) for sound in found.values()) and len(found[EXEMPLAR_ROW]) == 3
