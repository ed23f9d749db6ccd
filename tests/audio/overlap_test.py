"""Overlapping windows are averaged, and given out as soon as they can be."""

import numpy as np
import pytest

from vis2sound_jax.audio.overlap import OverlapMean, padded_to
from vis2sound_jax.errors import UserError

RNG = np.random.default_rng(0)


def test_the_mean_of_all_that_covers_a_sample_whenever_it_is_taken() -> None:
    starts, windows = [0, 3, 6, 7], RNG.standard_normal((4, 8))
    sums, counts = np.zeros(15), np.zeros(15)
    for start, window in zip(starts, windows, strict=True):
        sums[start : start + 8] += window
        counts[start : start + 8] += 1
    joined, pieces = OverlapMean(), []
    for k, window in enumerate(windows):
        joined.add(starts[k], window)
        pieces.append(joined.take(starts[k + 1] if k < 3 else None))
    assert [len(piece) for piece in pieces] == [3, 3, 1, 8]
    np.testing.assert_allclose(np.concatenate(pieces), sums / counts, rtol=1e-6)


def test_windows_of_one_signal_give_it_back() -> None:
    wav = RNG.standard_normal(1000).astype(np.float32)
    joined = OverlapMean()
    for start in [*range(0, 900, 37), 900]:
        joined.add(start, wav[start : start + 100])
    np.testing.assert_array_equal(joined.take(), wav)


def test_what_was_given_out_is_not_reached_again_and_gaps_are_told() -> None:
    joined = OverlapMean()
    joined.add(0, np.ones(4))
    joined.take(3)
    with pytest.raises(ValueError, match="begins at 2, but samples up to 3"):
        joined.add(2, np.ones(4))
    joined.add(6, np.ones(2))
    with pytest.raises(ValueError, match="from 3 to 8 is in no window"):
        joined.take()


def test_a_short_sound_is_continued_by_its_mirror_image() -> None:
    np.testing.assert_array_equal(padded_to(np.float32([1, 2, 3]), 7), [1, 2, 3, 2, 1, 2, 3])
    np.testing.assert_array_equal(padded_to(np.float32([5]), 3), [5, 5, 5])
    np.testing.assert_array_equal(padded_to(np.float32([1, 2, 3]), 2), [1, 2, 3])
    with pytest.raises(UserError, match="0 samples, but a window of 7 is to be filled; give"):
        padded_to(np.zeros(0, np.float32), 7)
