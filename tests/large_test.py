"""Laws of large arrays: the same numbers wherever they lie, memory that does not grow, a full disk told in a line."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import soxr

from vis2sound_jax import large
from vis2sound_jax.audio.levels import at_loudness, integrated_lufs, limited, true_peak_db
from vis2sound_jax.audio.onsets import onset_events
from vis2sound_jax.audio.rates import resampled
from vis2sound_jax.errors import UserError

RATE_HZ = 48_000


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Everything is large, and lies in a folder of the test's."""
    monkeypatch.setattr(large, "MAPPED_BYTES", 0)
    monkeypatch.setattr(large.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def knocks(seconds: float = 3.0) -> np.ndarray:
    """Left and right, louder than they may be."""
    wav = (0.05 * np.random.default_rng(0).standard_normal((round(seconds * RATE_HZ), 2))).astype(np.float32)
    wav[::12_000] = 1.5
    return wav


def resident_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def test_small_arrays_are_in_memory_and_large_ones_in_a_file_without_a_name(tmp_path: Path, mapped: Path) -> None:
    made = large.zeros((1000, 2))
    assert isinstance(made, np.memmap) and not made.any() and made.dtype == np.float32
    made[3:5] = 1.0
    large.let_go(made)
    large.let_go(np.asarray(made)[1:, 0])
    assert made.sum() == 4.0 and not list(mapped.iterdir())


def test_what_is_not_large_is_left_alone() -> None:
    assert type(large.zeros((1000, 2))) is np.ndarray
    large.let_go(np.ones(3))
    assert [place.stop for place in large.pieces(5, size=2)] == [2, 4, 5] and not list(large.pieces(0))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read as Linux tells it")
def test_pages_that_are_let_go_of_are_no_memory_of_the_process(mapped: Path) -> None:
    made = large.zeros((32 << 20,))  # 128 MB
    before = resident_mb()
    for place in large.pieces(len(made), made):
        made[place] = 1.0
    assert resident_mb() - before < 32 and made[:: 1 << 20].sum() == 32
    copied = large.copy(made, 0.5)
    large.let_go(made)
    assert resident_mb() - before < 32 and copied[12345] == 0.5


def test_sounds_are_the_same_wherever_they_lie(monkeypatch: pytest.MonkeyPatch, mapped: Path) -> None:
    wav, made = knocks(), []
    long = large.copy(wav)
    for given, size in ((wav, 1 << 40), (long, 0)):
        monkeypatch.setattr(large, "MAPPED_BYTES", size)
        loud = at_loudness(given, RATE_HZ, -10.0)
        low = limited(loud, RATE_HZ)
        numbers = [true_peak_db(low, RATE_HZ), integrated_lufs(low, RATE_HZ), *onset_events(low[:, 0], RATE_HZ)]
        made.append((type(low), low, numbers))
    assert [kind for kind, _, _ in made] == [np.ndarray, np.memmap]
    np.testing.assert_array_equal(made[0][1], made[1][1])
    for one, other in zip(made[0][2], made[1][2], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("rate_hz", "wanted_hz", "quality"), [(22_050, 48_000, "VHQ"), (48_000, 22_050, "HQ")])
@pytest.mark.parametrize("channels", [(), (2,)])
def test_a_rate_is_changed_in_pieces_as_at_once(
    monkeypatch: pytest.MonkeyPatch, mapped: Path, rate_hz: int, wanted_hz: int, quality: str, channels: tuple[int]
) -> None:
    monkeypatch.setattr(large, "_PIECE", 10_000)
    wav = np.random.default_rng(0).standard_normal((70_001, *channels)).astype(np.float32)
    found = resampled(wav, rate_hz, wanted_hz, quality)
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, soxr.resample(wav, rate_hz, wanted_hz, quality=quality))


def test_a_full_disk_is_told_before_anything_is_written(monkeypatch: pytest.MonkeyPatch, mapped: Path) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(large, "_reserve", full)
    with pytest.raises(UserError, match=r"no room for 4\.0 GB of sound \(no space left on device\); free some"):
        large.zeros((10**9,))
    assert not list(mapped.iterdir())
