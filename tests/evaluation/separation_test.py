"""Scores of separated sources."""

import sys

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.evaluation.separation import bss_eval, si_sdr_db, si_sdr_improvement_db

RNG = np.random.default_rng(0)
SOURCES = RNG.standard_normal((2, 4000))
MIXTURE = SOURCES.sum(axis=0)


def test_the_mixture_is_as_good_as_its_sources_are_loud_and_the_sources_are_perfect() -> None:
    pytest.importorskip("mir_eval")
    floor = bss_eval(np.stack([MIXTURE, MIXTURE]), SOURCES)
    np.testing.assert_allclose(floor.sdr, 0, atol=1.5)
    np.testing.assert_allclose(floor.sir, floor.sdr, atol=0.1)
    assert (floor.sar > 60).all()
    leaked = np.stack([SOURCES[0] + 0.1 * SOURCES[1], SOURCES[1] + 0.1 * RNG.standard_normal(4000)])
    better = bss_eval(leaked, SOURCES)
    np.testing.assert_allclose(better.sdr, 20, atol=1.5)
    assert better.sir[0] < 22 and better.sar[0] > 60 and better.sir[1] > 25 and better.sar[1] < 22


def test_silence_has_no_score_and_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mir_eval")
    with pytest.raises(UserError, match="estimate 1 is silent, so that it has no SDR; leave it out"):
        bss_eval(np.stack([MIXTURE, 0 * MIXTURE]), SOURCES)
    monkeypatch.setitem(sys.modules, "mir_eval.separation", None)
    with pytest.raises(UserError, match=r"package mir_eval, which is missing; install it: pip install .*\[binaural\]"):
        bss_eval(SOURCES, SOURCES)


def test_the_scale_does_not_count() -> None:
    noisy = SOURCES[0] + 0.1 * RNG.standard_normal(4000)
    assert si_sdr_db(noisy, SOURCES[0]) == pytest.approx(20, abs=0.7)
    assert si_sdr_db(-7 * noisy, SOURCES[0]) == pytest.approx(si_sdr_db(noisy, SOURCES[0]), abs=1e-6)
    assert si_sdr_db(SOURCES[0], SOURCES[0]) > 100
    assert -120 <= si_sdr_db(0 * noisy, SOURCES[0]) <= 0


def test_improvement_is_over_the_mixture() -> None:
    np.testing.assert_allclose(si_sdr_improvement_db(np.stack([MIXTURE] * 2), SOURCES, MIXTURE), 0)
    halves = SOURCES + 0.5 * SOURCES[::-1]
    np.testing.assert_allclose(si_sdr_improvement_db(halves, SOURCES, MIXTURE), 6, atol=0.5)
