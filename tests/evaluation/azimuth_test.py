"""The direction of a source from two channels."""

import numpy as np
import pytest

from vis2sound_jax.audio.head import Head
from vis2sound_jax.evaluation.azimuth import azimuth_deg

RNG = np.random.default_rng(0)
NOISE = RNG.standard_normal(10_080)
TONES = sum(np.sin(2 * np.pi * f * np.arange(10_080) / 16000) / f for f in (220, 440, 660, 880, 1320, 3300))


@pytest.mark.parametrize("wav", [NOISE, TONES], ids=["noise", "tones"])
@pytest.mark.parametrize("azimuth", [-72.0, -31.0, 0.0, 12.0, 55.0])
def test_a_source_is_found_where_it_is(wav: np.ndarray, azimuth: float) -> None:
    assert azimuth_deg(Head().hear(wav, azimuth, 16000)) == pytest.approx(azimuth, abs=3)


def test_another_head_hears_elsewhere() -> None:
    ears = Head(0.11).hear(NOISE, 30.0, 16000)
    assert azimuth_deg(ears, Head(0.11)) == pytest.approx(30, abs=2)
    assert azimuth_deg(ears, Head(0.07)) > 40


def test_mono_is_in_front_and_silence_nowhere() -> None:
    assert azimuth_deg(np.stack([NOISE, NOISE])) == 0
    assert np.isnan(azimuth_deg(np.zeros((2, 4000))))
