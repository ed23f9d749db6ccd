"""Laws of the judge of sounds: it tells what it was fitted on, whenever it happens and however loud it is."""

import numpy as np

from vis2sound_jax.evaluation.sound_judge import fit_judge


def sound(label: int, rng: np.random.Generator) -> np.ndarray:
    rows = rng.random((32, 32)).astype(np.float32)
    rows[:, 8 * label : 8 * label + 8] += 3
    return rows


def test_classes_are_told_apart_and_any_number_may_be_asked() -> None:
    rng = np.random.default_rng(0)
    labels = [k % 3 for k in range(24)]
    judge = fit_judge([sound(label, rng) for label in labels], labels, 3, steps=60, seed=0)
    asked = [k % 3 for k in range(19)]
    told = judge.names([sound(label, rng) for label in asked])
    assert np.mean(told == np.array(asked)) > 0.9
    assert judge.names([]).shape == (0,)
