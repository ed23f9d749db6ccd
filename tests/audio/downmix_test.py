"""Laws of mixing down: BS.775 by name, nothing clips that did not, and what cancels is heard all the same."""

import numpy as np
import pytest

from vis2sound_jax.audio.downmix import Heard, at_most_stereo, mono_of

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


@pytest.mark.parametrize("count", [9, 16, 64])
def test_of_many_channels_without_places_each_is_heard_in_the_middle(count: int) -> None:
    np.testing.assert_allclose(shares(*["NONE"] * count), np.full((count, 2), M), atol=1e-6)


def test_fields_are_heard_from_left_and_right() -> None:
    wanted = [[M, M], [0.5, -0.5], [0, 0], [0, 0]]
    np.testing.assert_allclose(shares("AMBI0", "AMBI1", "AMBI2", "AMBI3"), wanted, atol=1e-6)


def noises(count: int) -> np.ndarray:
    return (0.2 * np.random.default_rng(0).standard_normal((4000, count))).astype(np.float32)


@pytest.mark.parametrize("level", [0.1, 1.0, 1.5])
def test_nothing_clips_that_did_not(level: float) -> None:
    wav = level * np.ones((10, 6), np.float32)
    names = ("FL", "FR", "FC", "LFE", "BL", "BR")
    assert np.abs(at_most_stereo(wav, names)).max() <= max(level, 1.0) + 1e-6
    assert np.abs(mono_of(wav, names)).max() <= max(level, 1.0) + 1e-6
    soft = at_most_stereo(0.1 * wav, names)
    np.testing.assert_allclose(soft, 0.1 * level * (1 + 2 * M), rtol=1e-5)


@pytest.mark.parametrize("names", [("FL", "FR"), ("NONE", "NONE")])
def test_the_mean_of_two_channels_stays_unless_they_cancel(names: tuple[str, str]) -> None:
    wav = noises(2)
    np.testing.assert_array_equal(mono_of(wav, names), wav.mean(axis=1))
    one_sided = wav * np.float32([1, 0])
    np.testing.assert_array_equal(mono_of(one_sided, names), one_sided.mean(axis=1))
    wide = np.stack([wav[:, 0], -wav[:, 0] + 0.01 * wav[:, 1]], axis=1)
    np.testing.assert_allclose(mono_of(wide, names), wide[:, 0], atol=1e-7)
    half = wide * np.float32([0.5, 1])
    np.testing.assert_array_equal(mono_of(half, names), half.mean(axis=1))


def test_a_part_that_cancels_does_not_switch_the_rest() -> None:
    """What is done is decided over all that is heard, in whatever blocks it comes."""
    wav = np.repeat(noises(1), 2, axis=1)
    wav[:200, 1] *= -1
    heard = Heard(("FL", "FR"))
    for block in np.array_split(wav, 7):
        heard.add(block)
    assert heard.mono().weights is None and not heard.mono().said
    wide = wav * np.float32([1, -1])
    np.testing.assert_allclose(mono_of(wide), wide[:, 0], atol=1e-7)


def test_surround_that_cancels_in_the_mix_is_heard() -> None:
    wav = np.zeros((4000, 6), np.float32)
    wav[:, [0]] = noises(1)
    wav[:, 2] = -wav[:, 0] / M
    heard = Heard(("FL", "FR", "FC", "LFE", "BL", "BR"))
    heard.add(wav)
    left, right = heard.stereo().mixed(wav).T
    np.testing.assert_allclose(left, wav[:, 0], atol=1e-6)
    np.testing.assert_allclose(right, M * wav[:, 2], atol=1e-6)
    assert "which cancel" in heard.stereo().said


def test_low_effects_are_heard_where_there_is_nothing_else() -> None:
    wav = np.zeros((100, 6), np.float32)
    wav[:, 3] = 0.5
    np.testing.assert_allclose(mono_of(wav, ("FL", "FR", "FC", "LFE", "BL", "BR")), 0.5)
    wav[:, 0] = 0.01
    np.testing.assert_allclose(mono_of(wav, ("FL", "FR", "FC", "LFE", "BL", "BR")), 0.005, atol=1e-7)


def test_samples_that_are_no_numbers_stay_to_be_refused() -> None:
    wav = np.array([[np.nan, 0.5], [0.5, -0.5]], np.float32)
    assert np.isnan(mono_of(wav)[0])
