"""Laws of starts: to the sample, also where sounds ring into each other; what was cut off has none."""

import numpy as np
import pytest

from tests.retrieval.struck import bursts, scratch
from vis2sound_jax.retrieval.onset_transfer import attacks
from vis2sound_jax.retrieval.starts import decibels, sound_starts

RATE_HZ = 22_050


@pytest.mark.parametrize(("gap_s", "decay_s"), [(0.08, 0.02), (0.2, 0.05), (0.2, 0.1), (0.3, 0.1), (0.5, 0.2)])
def test_sounds_that_ring_into_each_other_begin_where_they_do(gap_s, decay_s):
    times_s = 0.3 + gap_s * np.arange(5)
    found, rises_db = sound_starts(bursts(times_s, decay_s=decay_s)[:, 0], RATE_HZ)
    assert len(found) == 5 and np.abs(found / RATE_HZ - times_s).max() < 0.003
    # A sound falls by 8.7 dB in each `decay_s`.
    assert np.all(np.array(rises_db[1:]) > 0.5 * 8.7 * gap_s / decay_s)


def test_tones_that_ring_on_are_no_starts():
    times_s, wav = 0.3 + 0.3 * np.arange(5), np.zeros(3 * RATE_HZ)
    for time_s in times_s:
        t = np.arange(len(wav) - round(time_s * RATE_HZ)) / RATE_HZ
        wav[len(wav) - len(t) :] += 0.2 * np.exp(-t / 0.3) * np.cos(2 * np.pi * 300 * t)
    found, _ = sound_starts(wav.astype(np.float32), RATE_HZ)
    assert np.abs(found / RATE_HZ - times_s).max() < 0.001


def test_sounds_apart_begin_where_onset_transfer_says():
    wav = bursts([0.4, 0.9, 1.7], decay_s=0.02)[:, 0]
    np.testing.assert_array_equal(sound_starts(wav, RATE_HZ)[0], attacks(wav, RATE_HZ))


def test_a_sound_that_swells_begins_early_in_its_rise():
    found, _ = sound_starts(scratch(around_s=0.5)[:, 0], RATE_HZ)
    assert 0.49 < found[0] / RATE_HZ < 0.62


def test_what_a_recording_begins_in_the_middle_of_is_left_out():
    found, _ = sound_starts(bursts([0.0, 0.8], decay_s=0.05)[:, 0], RATE_HZ)
    assert len(found) == 1 and abs(found[0] / RATE_HZ - 0.8) < 0.001


@pytest.mark.parametrize("seconds", [0.03, 0.2, 2.0])
def test_a_sound_that_is_alone_in_its_file_begins_with_it(seconds):
    found, rises_db = sound_starts(bursts([0.0], seconds=seconds, decay_s=0.03)[:, 0], RATE_HZ)
    assert list(found) == [0] and rises_db[0] > 60


def test_where_nothing_begins_the_loudest_moment_stands():
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * RATE_HZ).astype(np.float32)
    noise[20_000:20_441] *= 1.2  # too little for an onset
    found, rises_db = sound_starts(noise, RATE_HZ)
    assert rises_db == [0.0] and abs(found[0] - 20_000) < 100


@pytest.mark.parametrize("wav", [np.zeros(1), np.zeros(5_000), np.ones(1), np.full(70, 0.1)])
def test_any_sound_has_a_start(wav):
    found, rises_db = sound_starts(wav.astype(np.float32), RATE_HZ)
    assert len(found) == len(rises_db) == 1 and 0 <= found[0] < len(wav) and np.isfinite(rises_db).all()


def test_decibels_of_silence_are_finite():
    assert decibels(1.0) == 0.0 and decibels(0.1) == pytest.approx(-20) and decibels(0.0) == pytest.approx(-100)
