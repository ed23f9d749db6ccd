"""Laws of kinds: what swells for long is a scratch at every level, with a rule that is given as with one learned."""

import json

import numpy as np
import pytest

from tests.retrieval.struck import bursts, scratch
from vis2sound_jax.retrieval.sound_kind import KIND_RATE_HZ, WITHOUT_LABELS, SoundKind, fit_sound_kind, kind_features


def features(*, scratches, seeds, decay_s=0.04):
    """[k, d] of hits or scratches."""
    found = []
    for seed in seeds:
        wav = scratch(seed=seed) if scratches else bursts([0.0], seconds=0.5, decay_s=decay_s, seed=seed)
        found.append(kind_features(wav[:, 0], 0))
    return np.stack(found)


HITS, SCRATCHES = features(scratches=False, seeds=range(20)), features(scratches=True, seeds=range(20))
BOTH, MARKS = np.concatenate([HITS, SCRATCHES]), np.arange(40) >= 20


def test_hits_and_scratches_are_told_apart_without_labels():
    assert (WITHOUT_LABELS.scratch(HITS) < 0.3).all() and (WITHOUT_LABELS.scratch(SCRATCHES) > 0.7).all()
    assert not WITHOUT_LABELS.learned


def test_a_learned_rule_tells_those_it_has_not_heard_apart():
    rule = fit_sound_kind(BOTH, MARKS)
    assert rule.learned
    assert (rule.scratch(features(scratches=False, seeds=range(100, 110), decay_s=0.06)) < 0.5).all()
    assert (rule.scratch(features(scratches=True, seeds=range(100, 110))) > 0.5).all()


def test_both_kinds_weigh_the_same():
    rng = np.random.default_rng(0)
    many = rng.normal(0, 1, (400, 9))
    few = rng.normal(0, 1, (20, 9)) + [1.0, *[0.0] * 8]
    rule = fit_sound_kind(np.concatenate([many, few]), np.arange(420) >= 400)
    assert 0.3 < np.mean(rule.scratch(few) < 0.5) + np.mean(rule.scratch(many) > 0.5) < 0.9
    assert np.mean(rule.scratch(few) > 0.5) > 0.5


@pytest.mark.parametrize("few", [0, 1, 7])
def test_too_few_labels_of_a_kind_teach_nothing(few):
    assert fit_sound_kind(BOTH[: 20 + few], MARKS[: 20 + few]) is WITHOUT_LABELS
    assert fit_sound_kind(BOTH[20 - few :], MARKS[20 - few :]) is WITHOUT_LABELS
    assert fit_sound_kind(BOTH[:28], list(MARKS[:28])).learned


@pytest.mark.parametrize("rule", [WITHOUT_LABELS, fit_sound_kind(BOTH, MARKS)])
def test_a_rule_survives_a_file(rule):
    again = SoundKind.from_dict(json.loads(json.dumps(rule.as_dict())))
    assert again == rule
    np.testing.assert_array_equal(again.scratch(BOTH), rule.scratch(BOTH))


@pytest.mark.parametrize("gain", [1e-4, 0.01, 0.5, 3.0])
@pytest.mark.parametrize("wav", [bursts([0.1], seconds=0.6, floor=0.0), scratch(around_s=0.1)])
def test_features_do_not_depend_on_the_level(wav, gain):
    attack = round(0.1 * KIND_RATE_HZ)
    expected = kind_features(wav[:, 0].astype(float), attack)
    np.testing.assert_allclose(kind_features(gain * wav[:, 0].astype(float), attack), expected, rtol=1e-9, atol=1e-9)


def test_features_measure_length_and_swelling_and_colour():
    hit, rubbed = HITS.mean(axis=0), SCRATCHES.mean(axis=0)
    # 85 % of the energy of a burst that falls by e in 40 ms: ln(0.95 / 0.1) / 2 of that.
    assert hit[0] == pytest.approx(0.04 * np.log(9.5) / 2, abs=0.005) and rubbed[0] > 0.15
    assert hit[1] == 0 and 0.1 < rubbed[1] < 0.3
    assert hit[2] > hit[3] > hit[4] > hit[5] >= -50
    t = np.arange(8_000) / KIND_RATE_HZ
    tone = kind_features(np.sin(2 * np.pi * 1_000 * t), 0)
    assert np.expm1(tone[7]) == pytest.approx(1_000, rel=0.02) and tone[6] < hit[6] - 20


@pytest.mark.parametrize("length", [0, 1, 100, 1_023, 1_025])
def test_sounds_of_any_length_are_measured(length):
    for wav in (np.zeros(length), np.ones(length)):
        found = kind_features(wav, 0)
        assert found.shape == (9,) and np.isfinite(found).all()
        assert 0 <= WITHOUT_LABELS.scratch(found[None])[0] <= 1
