"""Laws of colouring: mean and covariance become the wanted ones, equal ones change nothing."""

import numpy as np
import pytest

from vis2sound_jax.audio.colouring import colour, fit_colouring, loud_peaks
from vis2sound_jax.errors import UserError


def peaks(seed: int, count: int = 400, level: float = 4.0, spread: float = 0.1, channels: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = spread * rng.standard_normal((channels, channels))
    return level + rng.standard_normal((count, channels)) @ mixing


@pytest.mark.parametrize("root", [True, False])
def test_the_statistics_become_those_of_real_peaks(root: bool) -> None:
    predicted, real = peaks(0, level=3, spread=0.05), peaks(1, spread=0.2)
    coloured = colour(predicted, fit_colouring(predicted, real, root=root, ridge=0.0))
    space = np.sqrt if root else np.asarray
    np.testing.assert_allclose(space(coloured).mean(axis=0), space(real).mean(axis=0), rtol=1e-5)
    found, wanted = np.cov(space(coloured), rowvar=False), np.cov(space(real), rowvar=False)
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max() + 1e-7)
    ridged = colour(predicted, fit_colouring(predicted, real, root=root))
    np.testing.assert_allclose(np.cov(space(ridged), rowvar=False), wanted, atol=0.1 * np.abs(wanted).max())


@pytest.mark.parametrize("ridge", [0.0, 1e-3, 1.0])
def test_equal_statistics_change_nothing(ridge: float) -> None:
    known = peaks(0)
    np.testing.assert_allclose(colour(known, fit_colouring(known, known, ridge=ridge)), known, rtol=1e-5)


def test_every_step_of_a_window_is_mapped_alike_and_stays_positive() -> None:
    colouring = fit_colouring(peaks(0, level=1), peaks(1, level=1, spread=0.3))
    windows = np.random.default_rng(2).uniform(0, 2, (5, 24, 6)).astype(np.float32)
    whole = colour(windows, colouring)
    assert whole.shape == windows.shape and whole.dtype == np.float32 and whole.min() >= 0
    np.testing.assert_allclose(colour(windows[3, 7:8], colouring)[0], whole[3, 7], rtol=1e-6)


def test_few_peaks_need_the_ridge() -> None:
    few, real = peaks(0, count=4), peaks(1)
    with pytest.raises(UserError, match="4 predicted peaks do not vary"):
        fit_colouring(few, real, ridge=0.0)
    assert np.isfinite(fit_colouring(few, real).matrix).all()
    for pair in ((few[:1], real), (real, few[:1])):
        with pytest.raises(UserError, match="have no covariance"):
            fit_colouring(*pair)


def test_quiet_peaks_are_dropped() -> None:
    assert loud_peaks(np.array([1.0, 0.4, 1.2, 0.6, 9.0])).tolist() == [True, False, True, True, True]
    assert loud_peaks(np.zeros(0)).shape == (0,)
