"""Laws of saving: arrays come back as they were, and a file that cannot be written is said to be so."""

from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.evaluation.saving import write_arrays, write_whole


def test_arrays_come_back_by_name_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_arrays(tmp_path / "kept.npz", {"matrix": np.eye(3), "notes": "words"})
    with np.load(tmp_path / "kept.npz") as kept:
        np.testing.assert_array_equal(kept["matrix"], np.eye(3))
        assert str(kept["notes"]) == "words"
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]


def test_a_file_in_no_folder_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written .* choose a writable folder"):
        write_whole(tmp_path / "nowhere" / "file", b"words")
