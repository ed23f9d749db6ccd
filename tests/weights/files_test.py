"""Files of weights: arrays by name, and one line for what cannot be read."""

from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.weights.files import read_state_dict


def test_arrays_come_back_by_name(tmp_path: Path) -> None:
    arrays = {"features.0.weight": np.arange(6.0).reshape(2, 3), "features.0.bias": np.ones(2)}
    np.savez(tmp_path / "net.npz", **arrays)
    found = read_state_dict(tmp_path / "net.npz")
    assert set(found) == set(arrays)
    for name, value in arrays.items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("net.onnx", r"net.onnx: is no file of weights; name one that ends in .npz"),
        ("missing.npz", r"missing.npz: there is no such file"),
        ("broken.npz", r"broken.npz: cannot be read \(\w+\); download it again"),
    ],
)
def test_files_that_cannot_be_read_are_told(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "broken.npz").write_bytes(b"words")
    with pytest.raises(UserError, match=message):
        read_state_dict(tmp_path / name)
