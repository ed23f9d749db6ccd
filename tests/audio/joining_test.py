"""Laws of joined windows: every step is covered, equal predictions join to themselves, cuts are where they agree."""

import numpy as np
import pytest

from vis2sound_jax.audio.joining import join_windows, window_starts
from vis2sound_jax.errors import UserError


def curve(steps: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((steps, 3)).astype(np.float32)


@pytest.mark.parametrize("total", [1, 899, 900, 901, 1530, 1531, 3150, 10_000])
def test_windows_cover_everything_and_overlap_enough(total: int) -> None:
    starts = window_starts(total, 900, 270)
    assert starts[0] == 0 and starts[-1] == max(total - 900, 0)
    assert all(0 < gap <= 630 for gap in np.diff(starts))
    assert len(starts) == 1 + -(-max(total - 900, 0) // 630)


@pytest.mark.parametrize(("window", "overlap"), [(9, 9), (9, -1), (0, 0)])
def test_impossible_overlaps_are_refused(window: int, overlap: int) -> None:
    with pytest.raises(UserError, match="cannot overlap by"):
        window_starts(100, window, overlap)


@pytest.mark.parametrize("total", [7, 20, 21, 50, 95])
@pytest.mark.parametrize("overlap", [0, 6, 19])
def test_cutting_up_and_joining_is_the_identity(total: int, overlap: int) -> None:
    whole = curve(total)
    starts = window_starts(total, 20, overlap)
    joined = join_windows([whole[start : start + 20] for start in starts], starts)
    np.testing.assert_array_equal(joined, whole)


def test_the_cut_is_where_neighbours_agree_best() -> None:
    first, second = curve(20, 1), curve(20, 2)
    second[4] = first[18]  # both are step 18, four steps after the second window begins
    joined = join_windows([first, second], [0, 14])
    np.testing.assert_array_equal(joined, np.concatenate([first[:18], second[4:]]))


def test_cuts_never_go_back() -> None:
    windows = [curve(20, seed) for seed in range(4)]
    starts = [0, 14, 16, 17]
    windows[1][5] = windows[0][19]  # the first cut is at the last possible step
    joined = join_windows(windows, starts)
    assert len(joined) == 37
    np.testing.assert_array_equal(joined[:19], windows[0][:19])
    for step in range(19, 37):
        sources = [
            k for k in range(4) if 0 <= step - starts[k] < 20 and (windows[k][step - starts[k]] == joined[step]).all()
        ]
        assert sources


@pytest.mark.parametrize("starts", [[0], [1, 10], [0, 21], [0, 0], []])
def test_windows_that_do_not_continue_each_other_are_refused(starts: list[int]) -> None:
    with pytest.raises(ValueError, match="window"):
        join_windows([curve(20), curve(20)], starts)
