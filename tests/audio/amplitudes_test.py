"""Laws of AutoFoley's spectrograms: both domains and back, columns, sound by Griffin-Lim and by another's phases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.audio.amplitudes import DOMAINS, AmplitudeSpec, amplitudes, magnitude, sound_of, sound_with_phase
from vis2sound_jax.errors import UserError

RATE = 8000


def spec(domain: str = "log1p") -> AmplitudeSpec:
    return AmplitudeSpec(RATE, 256, 80, domain)  # type: ignore[arg-type]


def chirp(seconds: float = 0.5) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.4 * np.sin(2 * np.pi * (300 * t + 900 * t**2))).astype(np.float32)


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_domain_is_undone(domain: str) -> None:
    rows = amplitudes(jnp.asarray(chirp()), spec(domain))
    assert rows.shape == (50, 129) and float(rows.min()) >= 0
    np.testing.assert_allclose(magnitude(rows, spec(domain)), amplitudes(chirp(), spec("linear")), rtol=1e-3, atol=1e-4)


def test_a_logarithm_of_nothing_is_nothing() -> None:
    silence = amplitudes(jnp.zeros(800), spec())
    assert not np.asarray(silence).any()
    assert not np.asarray(magnitude(silence - 1.0, spec())).any()


def test_a_column_is_centred_on_its_hop() -> None:
    wav = np.zeros(4000, np.float32)
    wav[20 * 80] = 1.0
    assert int(np.asarray(amplitudes(jnp.asarray(wav), spec())).mean(axis=1).argmax()) == 20


def test_its_own_phases_give_the_sound_back() -> None:
    wav = chirp()
    rows = amplitudes(jnp.asarray(wav), spec())
    again = sound_with_phase(rows, jnp.asarray(wav), spec())
    assert again.shape == wav.shape
    np.testing.assert_allclose(again[:-256], wav[:-256], atol=1e-3)


def test_griffin_lim_comes_near_the_spectrogram() -> None:
    rows = amplitudes(jnp.asarray(chirp()), spec())
    made = sound_of(rows, spec(), jax.random.key(0), iterations=30)
    assert made.shape == (4000,)
    again = np.asarray(amplitudes(made, spec()))
    assert np.abs(again - rows)[2:-2].mean() < 0.15 * np.asarray(rows).mean()


def test_an_unknown_domain_is_named() -> None:
    with pytest.raises(UserError, match="sound.domain is 'dB'; choose one of log1p, linear"):
        spec("dB")
