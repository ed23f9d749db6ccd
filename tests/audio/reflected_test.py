"""A part of a reflected sound is the part of the sound reflected as a whole."""

import numpy as np
import pytest

from vis2sound_jax.audio.reflected import reflected_part


@pytest.mark.parametrize("n", [1, 2, 7, 40, 1000])
@pytest.mark.parametrize("half", [0, 3, 32])
def test_parts_are_those_of_the_whole(n: int, half: int) -> None:
    wav = np.random.default_rng(0).standard_normal(n).astype(np.float32)
    whole = np.pad(np.pad(wav, half, mode="reflect"), (0, 50))
    for start in range(0, n + 2 * half, max((n + 2 * half) // 9, 1)):
        for length in (1, 20, 45):
            part = reflected_part(wav, half, start, start + length)
            np.testing.assert_array_equal(part, whole[start : start + length][: len(part)])
            assert len(part) == length and part.dtype == np.float32
