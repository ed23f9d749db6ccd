"""Laws of the ridge baseline: a line is found, and held-out clips choose how much is believed."""

import numpy as np
import pytest

from vis2sound_jax.evaluation.ridge import fit_ridge


def clips(seed: int, count: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Targets that are a line through features of very different scales."""
    rng, shared = np.random.default_rng(seed), np.random.default_rng(99)
    scales, line = 10.0 ** shared.integers(-3, 3, 12), shared.standard_normal((12, 3))
    plain = rng.standard_normal((count, 12))
    targets = plain @ line + 1.0 + noise * rng.standard_normal((count, 3))
    return (plain * scales).astype(np.float32), targets.astype(np.float32)


def test_a_line_is_found_whatever_the_scales() -> None:
    model, penalty = fit_ridge(*clips(0, 300, 0.0), *clips(1, 50, 0.0), penalties=(1e-3, 1e3))
    assert penalty == 1e-3
    features, targets = clips(0, 300, 0.0)
    np.testing.assert_allclose(model.predict(features), targets, atol=0.01)


def test_held_out_clips_choose_the_penalty_and_noise_is_not_believed() -> None:
    rng = np.random.default_rng(0)
    features, targets = clips(0, 20, 0.0)
    noise = rng.standard_normal((20, 3)).astype(np.float32) + 1
    held = clips(1, 40, 0.0)[0], rng.standard_normal((40, 3)).astype(np.float32) + 1
    _, penalty = fit_ridge(features, noise, *held)
    assert penalty == 1e6
    model, _ = fit_ridge(features, noise, *held, penalties=(1e9,))
    np.testing.assert_allclose(model.predict(features), np.tile(noise.mean(axis=0), (20, 1)), atol=1e-3)
    choices = [
        fit_ridge(features, targets, features, targets, penalties=some)[1] for some in ((1.0, 10.0), (10.0, 1.0))
    ]
    assert choices == [1.0, 1.0]


@pytest.mark.parametrize("penalties", [(1e3,), (1e5, 1e3)])
def test_the_error_on_held_out_clips_is_the_least_of_all(penalties: tuple[float, ...]) -> None:
    train, held = clips(0, 30, 2.0), clips(1, 60, 0.0)

    def error(choice: tuple[float, ...]) -> float:
        return float(np.mean((fit_ridge(*train, *held, penalties=choice)[0].predict(held[0]) - held[1]) ** 2))

    assert error(penalties) == pytest.approx(min(error((one,)) for one in penalties))
