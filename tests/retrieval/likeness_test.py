"""Laws of likeness: of one timbre at other times and levels it is high, of another it is low."""

import numpy as np
import pytest

from vis2sound_jax.audio.mel import MelSpec
from vis2sound_jax.retrieval.likeness import hit_spectrum, likeness

SPEC = MelSpec(rate_hz=22_050)


def hits(times_s: list[float], pitch_hz: float, level: float = 0.6) -> np.ndarray:
    """Two seconds of decaying tones."""
    wav, t = np.zeros(44_100, np.float32), np.arange(6_000) / SPEC.rate_hz
    for time_s in times_s:
        start = round(time_s * SPEC.rate_hz)
        wav[start : start + t.size] += level * np.exp(-t / 0.05) * np.cos(2 * np.pi * pitch_hz * t)
    return wav


def test_one_timbre_is_alike_at_other_times_and_another_is_not() -> None:
    wanted = hit_spectrum(hits([0.3, 1.1], 600), SPEC)
    same, quiet, other = (
        likeness(hit_spectrum(wav, SPEC), wanted)
        for wav in (hits([0.5, 0.9, 1.5], 600), hits([0.7], 600, 0.2), hits([0.3, 1.1], 4_000))
    )
    assert same > 0.95 and quiet > 0.8 and other < 0.5


def test_silence_and_sounds_without_hits_have_a_spectrum_too() -> None:
    silence = hit_spectrum(np.zeros(44_100, np.float32), SPEC)
    assert silence.shape == (SPEC.n_mels,)
    assert likeness(silence, hit_spectrum(hits([0.3], 600), SPEC)) == 0.0


def test_a_hit_at_the_very_end_counts() -> None:
    assert np.isfinite(hit_spectrum(hits([1.6], 600)[: round(1.62 * SPEC.rate_hz)], SPEC)).all()


def test_likeness_is_a_correlation() -> None:
    one = np.random.default_rng(0).normal(size=80)
    assert likeness(one, 3.0 * one + 2.0) == pytest.approx(1.0)
    assert likeness(one, -one) == pytest.approx(-1.0)
