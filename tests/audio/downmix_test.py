"""Laws of mixing down: fronts as they are, centre and surrounds at -3 dB on their side, no low effects."""

import numpy as np
import pytest

from vis2sound_jax.audio.downmix import at_most_stereo
from vis2sound_jax.errors import UserError

M = 0.5**0.5


def shares(*names: str) -> list[list[float]]:
    return at_most_stereo(np.eye(len(names), dtype=np.float32), names).tolist()


def test_every_channel_goes_to_its_side() -> None:
    names = ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR", "BC", "FLC", "TFR")
    wanted = [[1, 0], [0, 1], [M, M], [0, 0], [M, 0], [0, M], [M, 0], [0, M], [M, M], [M, 0], [0, M]]
    np.testing.assert_allclose(shares(*names), wanted, atol=1e-6)


@pytest.mark.parametrize("count", range(3, 9))
def test_unnamed_channels_have_the_order_of_wav(count: int) -> None:
    found = np.array(shares(*["NONE"] * count))
    np.testing.assert_allclose(found[:2], np.eye(2))
    assert found.shape == (count, 2) and found[:, 0].sum() == pytest.approx(found[:, 1].sum())
    if count != 4:
        np.testing.assert_allclose(found[2], [M, M], atol=1e-6)
    if count > 5:
        np.testing.assert_array_equal(found[3], [0, 0])


@pytest.mark.parametrize("names", [("NONE",), ("FC",), ("FL", "FR"), ("NONE", "NONE")])
def test_one_and_two_channels_stay(names: tuple[str, ...]) -> None:
    wav = np.ones((5, len(names)), np.float32)
    assert at_most_stereo(wav, names) is wav


def test_many_channels_without_places_are_refused() -> None:
    with pytest.raises(UserError, match="a sound of 9 channels that do not say where they are heard; mix it to stereo"):
        shares(*["NONE"] * 9)
