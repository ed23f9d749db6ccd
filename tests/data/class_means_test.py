"""Laws of class means: averages by bin and column, files, a class without clips."""

from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.data.class_means import ClassMeans, class_means
from vis2sound_jax.errors import UserError

CLIPS = [(label, np.random.default_rng(k).random((4, 3))) for k, label in enumerate((0, 1, 0, 1, 1))]


def test_means_are_those_of_the_clips() -> None:
    means = class_means(CLIPS, ("rain", "typing"))
    expected = np.mean([rows for label, rows in CLIPS if label == 1], axis=0)
    np.testing.assert_allclose(means.column[1], expected, rtol=1e-6)
    np.testing.assert_allclose(means.bin[1], expected.mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(means.of(0, 7, "bin"), np.tile(means.bin[0], (7, 1)))
    held = means.of(0, 6, "column")
    np.testing.assert_array_equal(held[:4], means.column[0])
    np.testing.assert_array_equal(held[4:], means.column[0][[-1, -1]])


def test_a_file_gives_them_back(tmp_path: Path) -> None:
    means = class_means(CLIPS, ("rain", "typing"))
    means.save(tmp_path / "means.npz")
    again = ClassMeans.load(tmp_path / "means.npz")
    assert again.classes == means.classes
    np.testing.assert_array_equal(again.column, means.column)
    with pytest.raises(UserError, match="none.npz: this part of the run is not there; run --job=sounds first"):
        ClassMeans.load(tmp_path / "none.npz")


def test_what_is_missing_is_named() -> None:
    with pytest.raises(UserError, match="class fire has no training clip"):
        class_means(CLIPS, ("rain", "typing", "fire"))
    with pytest.raises(UserError, match="the kind of class mean is 'row'; choose one of bin, column"):
        class_means(CLIPS, ("rain", "typing")).of(0, 3, "row")
