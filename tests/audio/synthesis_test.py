"""Laws of the way back: one sound per key, consistent spectrum, faithful round trip, silent floor."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.audio.mel import MelSpec, log_mel
from vis2sound_jax.audio.stft import stft
from vis2sound_jax.audio.synthesis import GriffinLim, Vocoder, griffin_lim, wav_from_log_mel
from vis2sound_jax.errors import UserError

SPEC = MelSpec()
N = 22050
KEY = jax.random.key(3)


def impacts(seed: int) -> np.ndarray:
    """One second with two struck objects, decaying modes and a noise burst each, and room noise at -60 dB."""
    rng = np.random.default_rng(seed)
    wav = np.zeros(N)
    for start in (3000 + rng.integers(2000), 13000 + rng.integers(2000)):
        t = np.arange(N - start) / 22050
        for hz, decay in zip(rng.uniform(200, 6000, 8), rng.uniform(5, 60, 8), strict=True):
            wav[start:] += rng.normal() * np.exp(-decay * t) * np.sin(2 * np.pi * hz * t)
        wav[start:] += rng.normal(size=len(t)) * np.exp(-80 * t)
    return (0.8 * wav / np.abs(wav).max() + 1e-3 * rng.normal(size=N)).astype(np.float32)


@pytest.fixture(scope="module")
def wav() -> jax.Array:
    return jnp.stack([impacts(0), impacts(1)])


def distance_db(a: jax.Array, b: jax.Array, spec: MelSpec) -> float:
    """Log-spectral distance: root mean square over bands, mean over frames."""
    return float(jnp.sqrt(jnp.mean((a - b) ** 2, axis=-2)).mean() * (spec.top_db - spec.floor_db))


@pytest.mark.parametrize("floor_db, bar_db", [(-80.0, 1.6), (-40.0, 0.6)])
def test_round_trip_is_near(wav: jax.Array, floor_db: float, bar_db: float) -> None:
    spec = MelSpec(floor_db=floor_db)
    image = log_mel(wav, spec)
    heard = wav_from_log_mel(image, spec, KEY, length=N)
    assert heard.shape == wav.shape
    assert distance_db(log_mel(heard, spec), image, spec) <= bar_db


def test_floor_becomes_silence(wav: jax.Array) -> None:
    spec = MelSpec(floor_db=-40.0)
    heard = wav_from_log_mel(log_mel(wav, spec), spec, KEY, length=N)
    quiet = np.asarray(jnp.abs(heard[:, :1500]))  # nothing struck yet, room noise below the floor
    assert quiet.max() < 1e-4
    assert jnp.abs(wav_from_log_mel(jnp.zeros((80, 20)), spec, KEY)).max() == 0


def test_knee_passes_what_is_above_it() -> None:
    spec = MelSpec(floor_db=-40.0)
    steady = [jnp.full((80, 20), db / 60) for db in (0.5, 4.0, 10.0)]
    low, above, higher = (jnp.std(wav_from_log_mel(image, spec, KEY)) for image in steady)
    assert low < 0.2 * above
    np.testing.assert_allclose(20 * np.log10(higher / above), 6.0, atol=0.5)


def test_iterations_make_the_spectrum_consistent(wav: jax.Array) -> None:
    magnitude = jnp.abs(stft(wav, SPEC.stft))

    def misfit(iterations: int) -> float:
        heard = griffin_lim(magnitude, SPEC, KEY, iterations=iterations, length=N)
        return float(jnp.linalg.norm(jnp.abs(stft(heard, SPEC.stft)) - magnitude) / jnp.linalg.norm(magnitude))

    few, many = misfit(2), misfit(60)
    assert many < 0.1
    assert many < few / 2


def test_same_key_same_sound_other_key_other_sound() -> None:
    image = jnp.full((2, 80, 10), 0.7)
    first = wav_from_log_mel(image, SPEC, KEY, iterations=4)
    np.testing.assert_array_equal(first, wav_from_log_mel(image, SPEC, KEY, iterations=4))
    assert jnp.abs(first - wav_from_log_mel(image, SPEC, jax.random.key(4), iterations=4)).max() > 1e-3
    assert jnp.abs(first[0] - first[1]).max() > 1e-3  # every clip has phases of its own


def test_vocoder_returns_a_hop_per_frame() -> None:
    vocoder: Vocoder = GriffinLim(SPEC, iterations=2)
    heard = vocoder(jnp.ones((2, 80, 12)), KEY)
    assert heard.shape == (2, 12 * 256)
    assert jnp.abs(heard).max() == 1  # louder than full scale is clipped
    assert heard.dtype == jnp.float32


def test_one_frame_is_too_few() -> None:
    with pytest.raises(UserError, match="1 frames"):
        griffin_lim(jnp.ones((513, 1)), SPEC, KEY)
