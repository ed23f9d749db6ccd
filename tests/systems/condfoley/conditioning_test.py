"""Laws of the example's windows: the busiest place, early rather than late, in time that follows its length."""

from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.audio.onsets import onset_events
from vis2sound_jax.systems.condfoley import conditioning
from vis2sound_jax.systems.condfoley.conditioning import busiest, heard

RATE_HZ, COLUMN_S, COLUMNS = 22050, 0.1, 10


def knocks(*times_s: float, seconds: float = 6.0) -> np.ndarray:
    wav = (0.001 * np.random.default_rng(0).standard_normal(round(seconds * RATE_HZ))).astype(np.float32)
    decay = (0.7 * np.exp(-np.arange(2000) / 300) * np.sin(np.arange(2000) / 3)).astype(np.float32)
    for time_s in times_s:
        wav[round(time_s * RATE_HZ) :][:2000] += decay
    return wav


def by_hand(wav: np.ndarray, last: int) -> int:
    """The sum of confidences of every window, one after another."""
    times_s, confidence = onset_events(wav, RATE_HZ)
    sums = []
    for column in range(last + 1):
        begin = column * COLUMN_S
        inside = (times_s >= begin + COLUMN_S) & (times_s < begin + COLUMNS * COLUMN_S)
        sums.append(round(float(confidence[inside].sum()), 9))
    return int(np.argmax(sums))


@pytest.mark.parametrize("times_s", [(3.05, 3.35, 3.65), (0.5,), (1.0, 4.1, 4.4), ()])
def test_the_window_with_the_most_confident_onsets_is_found(times_s: tuple[float, ...]) -> None:
    wav, last = knocks(*times_s), 50
    start = busiest(wav, RATE_HZ, COLUMN_S, COLUMNS, last)
    assert start == by_hand(wav, last)
    if len(times_s) == 3:
        inside = [time_s for time_s in times_s if start * COLUMN_S + COLUMN_S <= time_s < (start + COLUMNS) * COLUMN_S]
        assert len(inside) >= 2


def test_of_equal_windows_the_first_is_taken() -> None:
    assert busiest(np.zeros(6 * RATE_HZ, np.float32), RATE_HZ, COLUMN_S, COLUMNS, 50) == 0


def test_a_long_example_is_searched_in_time_that_follows_its_length() -> None:
    """Windows times events of an hour would be gigabytes."""
    wav = np.tile(knocks(1.0, 2.0, seconds=3.0), 100)
    assert busiest(wav, RATE_HZ, COLUMN_S, COLUMNS, 2990) == by_hand(wav, 2990)


@pytest.mark.parametrize("own_hz", [22_050, 48_000])
def test_a_long_example_is_heard_in_blocks_as_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_hz: int
) -> None:
    wav = 0.3 * np.random.default_rng(0).standard_normal((4 * own_hz, 2)).astype(np.float32)
    write_wav(tmp_path / "stereo.wav", wav, own_hz)
    with Example.open(tmp_path / "stereo.wav") as example:
        once = heard(example, RATE_HZ)
        np.testing.assert_array_equal(once, example.read(RATE_HZ))
        monkeypatch.setattr(conditioning, "_LONG_S", 0.7)
        np.testing.assert_allclose(heard(example, RATE_HZ), once, atol=1e-3)  # but for the filter's edge
