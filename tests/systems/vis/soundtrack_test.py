"""Laws of soundtracks: noise gets the envelopes that were predicted, impacts get the training sound that fits."""

import functools
from typing import Any

import numpy as np
import pytest

from vis2sound_jax.audio.colouring import Colouring
from vis2sound_jax.audio.erb import ErbSpec
from vis2sound_jax.audio.peaks import amplitude_peaks
from vis2sound_jax.retrieval.exemplars import ExemplarBank
from vis2sound_jax.retrieval.impact_pieces import cut_impacts
from vis2sound_jax.systems.vis.sounds import hear_rows
from vis2sound_jax.systems.vis.soundtrack import (
    Soundtrack,
    exemplar_soundtrack,
    impacts_above,
    parametric,
    predicted_impacts,
)

RATE_HZ, STEPS_HZ, FILM_S = 8000, 90, 3.0
SPEC = ErbSpec(rate_hz=RATE_HZ, bands=12, high_hz=3800.0)
LENGTH = round(FILM_S * RATE_HZ)
LATE_S = 0.02
"""Amplitude peaks come this much after the attack."""
KINDS = {"low": (100.0, 400.0), "high": (2000.0, 3500.0), "broad": (50.0, 3900.0)}


def burst(kind: str) -> np.ndarray:
    """Half a second of decaying noise in a band."""
    n = RATE_HZ // 2
    low, high = KINDS[kind]
    spectrum = np.fft.rfft(np.random.default_rng(len(kind)).standard_normal(n))
    frequencies = np.fft.rfftfreq(n, 1 / RATE_HZ)
    spectrum[(frequencies < low) | (frequencies > high)] = 0
    wav = np.fft.irfft(spectrum, n) * np.exp(-np.arange(n) / (0.06 * RATE_HZ))
    return (0.5 * wav / np.abs(wav).max()).astype(np.float32)


def film(**struck: float) -> np.ndarray:
    """A soundtrack with a burst of each kind at its time in seconds."""
    wav = np.zeros(LENGTH, np.float32)
    for kind, time_s in struck.items():
        first = round(time_s * RATE_HZ)
        piece = burst(kind)[: LENGTH - first]
        wav[first : first + len(piece)] += piece
    return wav


def heard(wav: np.ndarray) -> np.ndarray:
    return hear_rows(wav, SPEC, round(FILM_S * STEPS_HZ))


@functools.cache
def wanted() -> np.ndarray:
    """The cochleagram of a film that is struck three times."""
    return heard(film(low=0.5, high=1.4, broad=2.2))


@functools.cache
def bank() -> ExemplarBank:
    features, cuts, times = [], [], []
    for kind in KINDS:
        wav = film(**{kind: 1.0})
        times.append(amplitude_peaks(wav, RATE_HZ)[0][0])
        first = round(times[-1] * STEPS_HZ) - 22
        features.append(heard(wav)[first : first + 45].astype(np.float16))
        cuts += cut_impacts(wav, RATE_HZ, times[-1:])
    return ExemplarBank(
        features=np.stack(features),
        wavs=np.concatenate([cut.wav for cut in cuts]),
        lengths=np.array([len(cut.wav) for cut in cuts]),
        attacks=np.array([cut.attack for cut in cuts]),
        attack_s=np.array([cut.attack_s for cut in cuts]),
        times_s=np.array(times),
        ids=list(KINDS),
        labels={"material": list(KINDS)},
        rate_hz=RATE_HZ,
    )


def test_the_parametric_sound_has_the_predicted_envelopes() -> None:
    wav = parametric(wanted(), SPEC, LENGTH, iterations=3, seed=0)
    assert wav.shape == (LENGTH,) and np.abs(wav).max() <= 1
    again, noise = heard(wav), heard(0.1 * np.random.default_rng(0).standard_normal(LENGTH))
    assert np.corrcoef(again.ravel(), wanted().ravel())[0, 1] > 0.9
    away = np.abs(again - wanted()).mean()
    assert away < 0.25 * wanted().mean() and away < 0.3 * np.abs(noise - wanted()).mean()


def test_the_seed_of_the_noise_decides_the_sound() -> None:
    first, again, other = (parametric(wanted(), SPEC, 4000, iterations=1, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


@pytest.mark.parametrize("length", [1, 12345, LENGTH + 900])
def test_films_of_any_length_get_a_sound_as_long(length: int) -> None:
    """Beyond the prediction it is silent."""
    wav = parametric(wanted()[:200], SPEC, length, iterations=1, seed=0)
    assert wav.shape == (length,)
    assert np.abs(wav[LENGTH:]).max(initial=0) < 1e-2


def test_impacts_are_found_where_the_prediction_is_loud() -> None:
    times, heights = predicted_impacts(wanted(), SPEC)
    strong = times[heights > 0.2 * heights.max()]
    np.testing.assert_allclose(strong, np.array([0.5, 1.4, 2.2]) + LATE_S, atol=0.04)
    silence = predicted_impacts(np.zeros_like(wanted()), SPEC)
    assert len(silence[0]) == len(silence[1]) == 0


def soundtrack(**choices: Any) -> Soundtrack:
    least = choices.pop("least", 0.2 * predicted_impacts(wanted(), SPEC)[1].max())
    times_s, heights = impacts_above(wanted(), SPEC, least)
    return exemplar_soundtrack(wanted(), SPEC, bank(), LENGTH, times_s=times_s, heights=heights, **choices)


def test_every_impact_gets_the_exemplar_that_sounds_like_it() -> None:
    made = soundtrack()
    assert [bank().ids[k] for k in made.exemplars] == ["low", "high", "broad"]
    assert made.wav.shape == (LENGTH,) and made.wav.dtype == np.float32
    np.testing.assert_allclose(made.peak_s, np.array([0.5, 1.4, 2.2]) + LATE_S, atol=0.04)
    late_s = bank().times_s - bank().attack_s
    np.testing.assert_allclose(made.peak_s - late_s[made.exemplars], [0.5, 1.4, 2.2], atol=0.02)
    lone = made.peak_s[0] - late_s[made.exemplars[0]]
    place, attack, wav = round(lone * RATE_HZ), bank().attacks[0], bank().wav(0)
    np.testing.assert_allclose(made.wav[place : place + 2000], wav[attack : attack + 2000], atol=1e-6)
    assert np.corrcoef(heard(made.wav).ravel(), wanted().ravel())[0, 1] > 0.9


def test_only_candidates_are_copied_and_quiet_peaks_are_no_impacts() -> None:
    only = soundtrack(candidates=np.array([False, False, True]))
    assert {bank().ids[k] for k in only.exemplars} == {"broad"} and len(only.peak_s) == 3
    heights = soundtrack().height
    loudest = soundtrack(least=heights.max())
    np.testing.assert_array_equal(loudest.height, [heights.max()])
    nothing = soundtrack(least=2 * heights.max())
    assert not nothing.wav.any() and len(nothing.peak_s) == len(nothing.exemplars) == 0
    assert nothing.wav.shape == (LENGTH,)


def test_predictions_are_coloured_before_they_are_compared() -> None:
    low = np.sqrt(np.asarray(bank().features[0, 25], np.float64))
    same = Colouring(np.eye(len(low)), np.zeros(len(low)), root=True)
    always_low = Colouring(np.zeros((len(low), len(low))), low, root=True)
    assert [bank().ids[k] for k in soundtrack(colouring=same).exemplars] == ["low", "high", "broad"]
    assert [bank().ids[k] for k in soundtrack(colouring=always_low).exemplars] == ["low"] * 3


def test_long_films_are_sounded_in_windows_that_fade_into_each_other() -> None:
    """Where two windows overlap they have the same noise: the sound is what one long window would be."""
    features = np.tile(wanted(), (9, 1))
    length = round(9 * FILM_S * RATE_HZ)
    wav = parametric(features, SPEC, length, iterations=1, seed=0)
    assert wav.shape == (length,) and wav.dtype == np.float32 and np.isfinite(wav).all()
    first = parametric(features, SPEC, round(9.5 * RATE_HZ), iterations=1, seed=0)
    same = slice(0, round(8.9 * RATE_HZ))
    np.testing.assert_allclose(wav[same], first[same], atol=1e-5)
    again = hear_rows(wav, SPEC, len(features))
    assert np.corrcoef(again.ravel(), features.ravel())[0, 1] > 0.8
    times_s, _ = impacts_above(features, SPEC, 0.2 * predicted_impacts(wanted(), SPEC)[1].max())
    assert len(times_s) == 27
