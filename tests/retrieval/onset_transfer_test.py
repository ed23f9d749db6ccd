"""Laws of onset transfer: right sample, right piece, safe borders, seeded, honest about silence."""

import numpy as np
import pytest

from vis2sound_jax.audio.onsets import legacy_onset_samples
from vis2sound_jax.retrieval.onset_transfer import attacks, onset_transfer, published_transfer

RATE_HZ = 22_050


def hits(times_s, seconds=2.0, tone_hz=900.0, noise=1e-4):
    """Decaying tones with a sharp attack on a little noise."""
    wav = noise * np.random.default_rng(0).standard_normal(round(seconds * RATE_HZ))
    for time_s in times_s:
        start = round(time_s * RATE_HZ)
        t = np.arange(min(4_000, wav.size - start)) / RATE_HZ
        wav[start : start + t.size] += 0.6 * np.exp(-t / 0.03) * np.cos(2 * np.pi * tone_hz * t)
    return wav.astype(np.float32)


def first_loud(wav, near, share=0.3):
    start = max(near - 400, 0)
    piece = np.abs(wav[start : near + 400])
    return start + int(np.argmax(piece > share * piece.max()))


def test_attacks_are_found_to_the_sample():
    times = np.array([0.3, 0.9, 1.5])
    assert np.abs(attacks(hits(times), RATE_HZ) - np.round(times * RATE_HZ)).max() <= 1


def test_pastes_at_the_right_sample():
    targets = np.array([1.31, 0.2, 0.777])  # in any order
    out = onset_transfer(hits([0.4, 1.2]), RATE_HZ, targets, 44_100, np.random.default_rng(1))
    assert out.wav.shape == (44_100,) and out.wav.dtype == np.float32 and out.found_onsets
    for target in targets:
        expected = round(target * RATE_HZ)
        assert abs(first_loud(out.wav, expected) - expected) <= 1
    assert np.abs(out.wav[: round(0.1 * RATE_HZ)]).max() < 0.01


def test_attack_keeps_its_level_and_gains_scale_it():
    condition = hits([0.5])
    targets = np.array([0.0, 1.0])  # at the very border, too
    gains = np.array([1.0, 0.25])
    out = onset_transfer(condition, RATE_HZ, targets, 44_100, np.random.default_rng(0), gains=gains).wav
    source = round(0.5 * RATE_HZ)
    np.testing.assert_allclose(out[:200], condition[source : source + 200], atol=2e-3)
    np.testing.assert_allclose(out[22_050:22_250], 0.25 * condition[source : source + 200], atol=2e-3)


def test_same_seed_same_sound_and_pieces_hold_one_hit():
    condition, targets = hits([0.3, 0.8, 1.4]), np.array([0.1, 0.2, 1.0, 1.9])
    first, second = (onset_transfer(condition, RATE_HZ, targets, 44_100, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first.wav, second.wav)
    assert set(np.round(first.source_s, 2)) <= {0.3, 0.8, 1.4}
    assert attacks(first.wav, RATE_HZ).size <= targets.size


@pytest.mark.parametrize("rule", [onset_transfer, published_transfer])
@pytest.mark.parametrize("targets", [[], [-0.5, 2.5], [0.5, 0.5], [1.9999]])
def test_any_target_times_are_safe(rule, targets):
    out = rule(hits([0.0, 1.99]), RATE_HZ, np.array(targets), 44_100, np.random.default_rng(0))
    assert out.wav.shape == (44_100,) and np.isfinite(out.wav).all() and np.abs(out.wav).max() <= 1.0


def test_without_onsets_the_loudest_part_is_used():
    t = np.arange(44_100) / 44_100
    swell = (0.3 * np.sin(np.pi * t) ** 2 * np.sin(2 * np.pi * 200 * t * 2)).astype(np.float32)
    out = onset_transfer(swell, RATE_HZ, np.array([0.5]), 44_100, np.random.default_rng(0))
    assert not out.silent and np.abs(out.wav).max() > 0.1
    if not out.found_onsets:
        assert 0.8 < out.source_s[0] < 1.2


@pytest.mark.parametrize("condition", [np.zeros(44_100, np.float32), np.zeros(0, np.float32)])
def test_silent_example_says_so(condition):
    out = onset_transfer(condition, RATE_HZ, np.array([0.5]), 1_000, np.random.default_rng(0))
    assert out.silent and not out.wav.any() and out.wav.shape == (1_000,)


def test_published_cuts_are_copies_between_a_third_and_a_half_of_the_gaps():
    condition = hits([0.4, 1.3])
    onsets = legacy_onset_samples(condition, RATE_HZ)
    assert len(onsets) == 2
    targets = np.array([0.6, 1.6])
    out = published_transfer(condition, RATE_HZ, targets, 44_100, np.random.default_rng(3))
    at = (targets * RATE_HZ).astype(int)
    back, forward = np.diff(at, prepend=0) // 3, 2 * (np.diff(at, append=44_100) // 4)
    own_back, own_forward = np.diff(onsets, prepend=0) // 3, 2 * (np.diff(onsets, append=44_100) // 4)
    heard = np.zeros(44_100, bool)
    fade = round(0.005 * RATE_HZ)
    for k, source in enumerate(np.searchsorted(onsets, np.round(out.source_s * RATE_HZ))):
        head, tail = min(back[k], own_back[source]), min(forward[k], own_forward[source])
        inner = slice(at[k] - head + fade, at[k] + tail - fade)
        shift = onsets[source] - at[k]
        np.testing.assert_allclose(out.wav[inner], condition[inner.start + shift : inner.stop + shift], atol=1e-6)
        heard[at[k] - head : at[k] + tail] = True
    assert not out.wav[~heard].any() and heard.any()


@pytest.mark.parametrize("seconds", [0.0, 2.0])
def test_published_cuts_of_a_silent_or_even_example(seconds):
    silent = published_transfer(np.zeros(round(seconds * RATE_HZ), np.float32), RATE_HZ, np.array([0.5]), 900, None)
    assert silent.silent and not silent.wav.any() and silent.wav.shape == (900,)
    even = np.full(RATE_HZ, 0.1, np.float32)
    out = published_transfer(even, RATE_HZ, np.array([0.5]), 44_100, np.random.default_rng(0))
    assert not out.silent and np.isfinite(out.wav).all()


def test_one_gain_for_each_event():
    with pytest.raises(ValueError, match="2 gains for 1 events"):
        onset_transfer(hits([0.5]), RATE_HZ, np.array([0.5]), 44_100, np.random.default_rng(0), gains=np.ones(2))
