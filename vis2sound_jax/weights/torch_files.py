"""Reads tensors out of torch's files without torch, and without running anything that is in them.

Such a file is a pickle that names functions to call, beside raw numbers. Here the pickle is read by a machine
that knows only the few calls that make tensors and plain containers. Objects of the training frameworks that old
checkpoints carry become inert placeholders, whose classes are never imported; any other name is refused.

Both layouts are read: the zip archive (torch 1.6 and later) and the older row of pickles.
"""

import collections
import io
import math
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import ml_dtypes
import numpy as np

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.weights.pickle_walk import MOST_BYTES, walk
from vis2sound_jax.weights.rules import Weight

_MOST_VIEWS = 8  # tensors may share numbers, as tied weights do
_OLD_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "BFloat16Storage": ml_dtypes.bfloat16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}
_BUILTINS = {"set": set, "frozenset": frozenset, "dict": dict, "list": list, "tuple": tuple}
_NUMBERS = ("int", "float", "bool", "str", "complex", "bytearray")
# What checkpoints of training frameworks carry beside their tensors.
_INERT = ("pytorch_lightning", "lightning", "lightning_fabric", "omegaconf", "argparse", "typing", "pathlib", "numpy")
_INERT_TORCH = ("torch.optim", "torch.nn", "torch.serialization", "torch.torch_version")

Numbers = Callable[["_Storage"], np.ndarray]


class _Kind(NamedTuple):
    """Stands for a type of numbers. The type itself is never handed out, since a pickle can change what it names."""

    name: str

    def __setstate__(self, state: Any) -> None:
        raise UserError(f"it wants to change the type {self.name}")


class _Storage(NamedTuple):
    """A row of numbers in the file, not read yet."""

    key: str
    dtype: np.dtype
    size: int


class Tensor(NamedTuple):
    """A view of a storage: where it begins, its sizes and its strides, in numbers."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Call:
    """Stands for a function that a pickle may call, and nothing else."""

    __slots__ = ("_does",)

    def __init__(self, does: Callable[..., Any]) -> None:
        self._does = does

    def __call__(self, *arguments: Any) -> Any:
        return self._does(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise UserError("it wants to change a function")


class _Ordered(collections.OrderedDict[Any, Any]):
    """A dictionary that takes no attributes, which would stand before its methods."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Placeholder:
    """Stands for an object that nothing here needs; takes whatever a pickle does to it and keeps none."""

    def __new__(cls, *arguments: Any, **named: Any) -> "_Placeholder":
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """Forgets a value."""

    def extend(self, values: Any) -> None:
        """Forgets values."""


def _tensor(storage: _Storage, offset: int, shape: Any, strides: Any, *rest: Any) -> Tensor:
    return Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def _parameter(tensor: Tensor, *rest: Any) -> Tensor:
    return tensor


_CALLS: dict[str, Any] = {
    "torch._utils._rebuild_tensor_v2": _Call(_tensor),
    "torch._utils._rebuild_tensor": _Call(_tensor),
    "torch._utils._rebuild_parameter": _Call(_parameter),
    "torch.Size": _Call(tuple),
    "collections.OrderedDict": _Call(_Ordered),
    "collections.defaultdict": _Placeholder,
}


def _read(file: IO[bytes]) -> "tuple[Any, dict[str, _Storage]]":
    """Looks through the next pickle of a file, then reads it."""
    start = file.tell()
    walk(file)
    end = file.tell()
    if end - start > MOST_BYTES:
        raise UserError(f"a pickle of {end - start} bytes is more than weights need")
    file.seek(start)
    reader = _Reader(file)
    content = reader.load()
    # The reader takes more from the file than it needs.
    file.seek(end)
    return content, reader.storages


class _Reader(pickle.Unpickler):
    """The machine: a pickle's names mean what is listed here, or the file is refused."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full in _CALLS:
            return _CALLS[full]
        if module in ("torch", "torch.storage") and name in _TYPES:
            return _Kind(name)
        if module in ("builtins", "__builtin__") and name in _BUILTINS:
            return _Call(_BUILTINS[name])
        if module in ("builtins", "__builtin__") and name in _NUMBERS:
            return _Placeholder
        if module.partition(".")[0] in _INERT or module.startswith(_INERT_TORCH) or module == "torch":
            return _Placeholder
        raise UserError(f"it wants to run {full}, which no weights need")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, of, key, _, count = pid[:5]
        if kind != "storage" or not isinstance(of, _Kind) or not isinstance(key, str) or type(count) is not int:
            raise UserError("it holds data of an unknown type")
        if count < 0:
            raise UserError(f"storage {key} has {count} numbers")
        return self.storages.setdefault(key, _Storage(key, np.dtype(_TYPES[of.name]), count))


def read_torch(path: Path) -> dict[str, Weight]:
    """Reads the tensors of a file: of its `state_dict`, or of `model`, or of the whole.

    Args:
      path: a file that torch saved.

    Returns:
      Array by name, bfloat16 as float32.

    Raises:
      UserError: if the file is truncated, names code to run, or holds no tensors.
    """
    try:
        with path.open("rb") as file:
            if zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as archive:
                    return _arrays(*_open_archive(archive, path))
            file.seek(0)
            if file.read(2) == b"PK":
                raise UserError("it is an archive without an end, and so truncated")
            file.seek(0)
            return _arrays(*_open_old(file))
    except UserError as error:
        raise file_error(path, f"is refused: {error}", "get the file from its authors again") from None
    except Exception as error:  # a damaged pickle may fail in any way
        problem = f"cannot be read as a torch file ({type(error).__name__})"
        raise file_error(path, problem, "it may be truncated; download it again") from error


def _open_archive(archive: zipfile.ZipFile, path: Path) -> tuple[Any, Numbers]:
    top = next(name for name in archive.namelist() if name.endswith("data.pkl"))
    folder = top.removesuffix("data.pkl")
    info = archive.getinfo(top)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > MOST_BYTES:
        raise UserError("its pickle is compressed or larger than weights need")
    if sum(info.compress_size for info in archive.infolist()) > path.stat().st_size:
        raise UserError("its members lie over each other")
    content, _ = _read(io.BytesIO(archive.read(info)))

    def numbers(storage: _Storage) -> np.ndarray:
        info = archive.getinfo(f"{folder}data/{storage.key}")
        # Never stored compressed by torch; a small file must not unpack into a full memory.
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != storage.size * storage.dtype.itemsize:
            raise UserError(f"storage {storage.key} has not the {storage.size} numbers that it is said to have")
        return np.frombuffer(archive.read(info), storage.dtype)

    return content, numbers


def _open_old(file: IO[bytes]) -> tuple[Any, Numbers]:
    if _read(file)[0] != _OLD_MAGIC:
        raise UserError("it does not begin as a torch file does")
    _read(file), _read(file)  # protocol, and the machine it was written on
    content, storages = _read(file)
    keys, _ = _read(file)
    start = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(start)
    every: dict[str, np.ndarray] = {}
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        storage = storages.get(str(key))
        if storage is None or storage.size != count:
            raise UserError(f"storage {key} has not the {count} numbers that it is said to have")
        if count * storage.dtype.itemsize > end - file.tell():
            raise EOFError
        every[str(key)] = np.frombuffer(file.read(count * storage.dtype.itemsize), storage.dtype)
    return content, lambda storage: every[storage.key]


def _tensors(content: Any) -> dict[str, Tensor]:
    """The named tensors: of `state_dict` or `model` where the file has one, else of the file itself."""
    for name in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
            break
    if not isinstance(content, Mapping):
        raise UserError("it holds no dictionary of weights")
    found = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    if not found:
        raise UserError("it holds no weights")
    return found


def _arrays(content: Any, numbers: Numbers) -> dict[str, np.ndarray]:
    found = _tensors(content)
    stored = sum({tensor.storage.key: tensor.storage.size for tensor in found.values()}.values())
    arrays: dict[str, np.ndarray] = {}
    key, flat, made = None, np.zeros(0), 0
    # By storage, so that each is read once and one alone is held.
    for name, tensor in sorted(found.items(), key=lambda item: item[1].storage.key):
        if tensor.storage.key != key:
            key, flat = tensor.storage.key, numbers(tensor.storage)
        arrays[name] = _view(tensor, flat, name)
        made += arrays[name].size
        if made > _MOST_VIEWS * stored:
            raise UserError(f"its tensors have more than {_MOST_VIEWS} times the numbers that it holds")
    return {name: arrays[name] for name in found}


def _view(tensor: Tensor, flat: np.ndarray, name: str) -> np.ndarray:
    """Copies a tensor out of its storage; a view that reaches beyond it is refused."""
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True))
    positive = tensor.offset >= 0 and all(n >= 0 for n in (*tensor.shape, *tensor.strides))
    if not positive or (0 not in tensor.shape and last >= len(flat)):
        raise UserError(f"{name} reaches beyond its numbers")
    if math.prod(tensor.shape) > len(flat):
        raise UserError(f"{name} repeats its {len(flat)} numbers")
    steps = tuple(step * flat.itemsize for step in tensor.strides)
    view = np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, steps)
    return view.astype(np.float32) if flat.dtype == ml_dtypes.bfloat16 else view.copy()
