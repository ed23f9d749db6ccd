"""Torch's files are read without torch, and nothing in them is run."""

import os
import pickle
import struct
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.weights import torch_files
from vis2sound_jax.weights.files import read_state_dict
from vis2sound_jax.weights.torch_files import read_torch

ARRAYS = {
    "layer.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "layer.turned": np.arange(6, dtype=np.float64).reshape(2, 3).T,
    "layer.half": np.array([0.5, -1.5], np.float16),
    "layer.steps": np.array(7, np.int64),
}
STORAGE = {np.float32: "FloatStorage", np.float64: "DoubleStorage", np.float16: "HalfStorage", np.int64: "LongStorage"}


class Names:
    """Pickles as torch does: its modules are made up, because only their names end up in the file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.modules = {name: types.ModuleType(name) for name in ("torch", "torch._utils", "omegaconf")}
        for name, module in self.modules.items():
            monkeypatch.setitem(sys.modules, name, module)

    def named(self, module: str, name: str) -> Any:
        made = type(name, (), {"__module__": module})
        setattr(self.modules[module], name, made)
        return made


class Call:
    """Pickles as a call of a name with arguments."""

    def __init__(self, name: Any, *arguments: Any) -> None:
        self.name, self.arguments = name, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.name, self.arguments


class Storage:
    def __init__(self, key: str, kind: Any, flat: np.ndarray) -> None:
        self.key, self.kind, self.flat = key, kind, flat


class Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, Storage):
            return ("storage", value.kind, value.key, "cpu", value.flat.size)
        return None


def tensors(names: Names) -> tuple[dict[str, Call], list[Storage]]:
    rebuild = names.named("torch._utils", "_rebuild_tensor_v2")
    made, storages = {}, []
    for number, (name, array) in enumerate(ARRAYS.items()):
        kind = names.named("torch", STORAGE[array.dtype.type])
        storages.append(Storage(str(number), kind, array.reshape(-1, order="A")))
        strides = tuple(step // array.itemsize for step in array.strides)
        made[name] = Call(rebuild, storages[-1], 0, array.shape, strides, False, {})
    return made, storages


def write(path: Path, content: Any, storages: list[Storage], *, old: bool) -> None:
    if old:
        with path.open("wb") as file:
            for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
                pickle.dump(value, file, protocol=2)
            Pickler(file, protocol=2).dump(content)
            pickle.dump([storage.key for storage in storages], file, protocol=2)
            for storage in storages:
                file.write(struct.pack("<q", storage.flat.size) + storage.flat.tobytes())
        return
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("archive/data.pkl", "w") as file:
            Pickler(file, protocol=2).dump(content)
        for storage in storages:
            archive.writestr(f"archive/data/{storage.key}", storage.flat.tobytes())


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("framework", [False, True])
def test_tensors_come_back_whatever_lies_beside_them(
    tmp_path: Path, names: Names, *, old: bool, framework: bool
) -> None:
    made, storages = tensors(names)
    settings = Call(names.named("omegaconf", "DictConfig"), {"lr": 1e-3})
    content = {"state_dict": made, "epoch": 3, "hyper_parameters": settings} if framework else made
    write(tmp_path / "last.ckpt", content, storages, old=old)
    found = read_state_dict(tmp_path / "last.ckpt")
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize("call", [os.system, eval, pickle.loads])
def test_a_file_that_wants_to_run_something_is_refused(tmp_path: Path, names: Names, call: Any) -> None:
    made, storages = tensors(names)
    mark = tmp_path / "ran"
    write(tmp_path / "bad.pth", {"state_dict": made, "x": Call(call, f"touch {mark}")}, storages, old=False)
    with pytest.raises(UserError, match=rf"bad.pth: is refused: it wants to run \S*{call.__name__}, which no weights"):
        read_torch(tmp_path / "bad.pth")
    assert not mark.exists()


@pytest.mark.parametrize("old", [False, True])
def test_a_truncated_file_is_told(tmp_path: Path, names: Names, *, old: bool) -> None:
    made, storages = tensors(names)
    write(tmp_path / "net.pth", made, storages, old=old)
    data = (tmp_path / "net.pth").read_bytes()
    for share in (0.2, 0.6, 0.95):
        (tmp_path / "cut.pth").write_bytes(data[: int(share * len(data))])
        with pytest.raises(UserError, match=r"cut.pth: .*(truncated|not what it is|not the)"):
            read_torch(tmp_path / "cut.pth")


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [((1000, 1000), (1000, 1), 0), ((3,), (-1,), 2), ((12,), (1,), 1)],
)
def test_views_beyond_their_numbers_are_refused(
    tmp_path: Path, names: Names, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> None:
    _, storages = tensors(names)
    rebuild = names.named("torch._utils", "_rebuild_tensor_v2")
    content = {"a": Call(rebuild, storages[0], offset, shape, strides, False, {})}
    write(tmp_path / "net.pth", content, storages, old=False)
    with pytest.raises(UserError, match="a reaches beyond its numbers"):
        read_torch(tmp_path / "net.pth")


def test_a_file_without_weights_is_told(tmp_path: Path, names: Names) -> None:
    write(tmp_path / "net.pth", {"epoch": 3}, [], old=False)
    with pytest.raises(UserError, match="net.pth: is refused: it holds no weights"):
        read_torch(tmp_path / "net.pth")


def test_a_storage_of_many_views_is_read_once() -> None:
    """As of flat parameters; between them may stand views of another storage."""
    flat, other = (torch_files._Storage(key, np.dtype(np.float32), 6) for key in "01")
    views = {"a": (flat, 0), "b": (other, 0), "c": (flat, 3), "d": (other, 3), "e": (flat, 1)}
    read: list[str] = []

    def numbers(storage: torch_files._Storage) -> np.ndarray:
        read.append(storage.key)
        return np.arange(6, dtype=np.float32)

    content = {name: torch_files.Tensor(storage, first, (3,), (1,)) for name, (storage, first) in views.items()}
    found = torch_files._arrays(content, numbers)
    assert sorted(read) == ["0", "1"] and list(found) == list(views)
    np.testing.assert_array_equal(found["c"], [3, 4, 5])
