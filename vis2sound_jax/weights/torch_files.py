"""Reads tensors out of torch's files without torch, and without running anything that is in them.

Such a file is a pickle that names functions to call, beside raw numbers. Here the pickle is read by a machine
that knows only the few calls that make tensors and plain containers. Objects of the training frameworks that old
checkpoints carry become inert placeholders, whose classes are never imported; any other name is refused.

Both layouts are read: the zip archive (torch 1.6 and later) and the older row of pickles.
"""

import collections
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import ml_dtypes
import numpy as np

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.weights.rules import Weight

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
_NUMBERS = {"int": int, "float": float, "bool": bool, "str": str, "complex": complex, "bytearray": bytearray}
# What checkpoints of training frameworks carry beside their tensors.
_INERT = ("pytorch_lightning", "lightning", "lightning_fabric", "omegaconf", "argparse", "typing", "pathlib", "numpy")
_INERT_TORCH = ("torch.optim", "torch.nn", "torch.serialization", "torch.torch_version")

Numbers = Callable[["_Storage"], np.ndarray]


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
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": tuple,
    "collections.OrderedDict": collections.OrderedDict,
    "collections.defaultdict": _Placeholder,
}


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
            return np.dtype(_TYPES[name])
        if module in ("builtins", "__builtin__") and name in (_BUILTINS | _NUMBERS):
            return (_BUILTINS | _NUMBERS)[name]
        if module.partition(".")[0] in _INERT or module.startswith(_INERT_TORCH) or module == "torch":
            return type(f"Placeholder of {full}", (_Placeholder,), {})
        raise UserError(f"it wants to run {full}, which no weights need")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count = pid[:5]
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise UserError(f"it holds {kind!r} data of an unknown type")
        return self.storages.setdefault(str(key), _Storage(str(key), dtype, int(count)))


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
                    return _arrays(*_open_archive(archive))
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


def _open_archive(archive: zipfile.ZipFile) -> tuple[Any, Numbers]:
    top = next(name for name in archive.namelist() if name.endswith("data.pkl"))
    folder = top.removesuffix("data.pkl")
    with archive.open(top) as file:
        content = _Reader(file).load()

    def numbers(storage: _Storage) -> np.ndarray:
        info = archive.getinfo(f"{folder}data/{storage.key}")
        # Never stored compressed by torch; a small file must not unpack into a full memory.
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != storage.size * storage.dtype.itemsize:
            raise UserError(f"storage {storage.key} has not the {storage.size} numbers that it is said to have")
        return np.frombuffer(archive.read(info), storage.dtype)

    return content, numbers


def _open_old(file: IO[bytes]) -> tuple[Any, Numbers]:
    if _Reader(file).load() != _OLD_MAGIC:
        raise UserError("it does not begin as a torch file does")
    _Reader(file).load(), _Reader(file).load()  # protocol, and the machine it was written on
    reader = _Reader(file)
    content = reader.load()
    every: dict[str, np.ndarray] = {}
    for key in _Reader(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        storage = reader.storages.get(str(key))
        if storage is None or storage.size != count:
            raise UserError(f"storage {key} has not the {count} numbers that it is said to have")
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
    return {name: _view(tensor, numbers(tensor.storage), name) for name, tensor in _tensors(content).items()}


def _view(tensor: Tensor, flat: np.ndarray, name: str) -> np.ndarray:
    """Copies a tensor out of its storage; a view that reaches beyond it is refused."""
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True))
    positive = tensor.offset >= 0 and all(n >= 0 for n in (*tensor.shape, *tensor.strides))
    if not positive or (0 not in tensor.shape and last >= len(flat)):
        raise UserError(f"{name} reaches beyond its numbers")
    steps = tuple(step * flat.itemsize for step in tensor.strides)
    view = np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, steps)
    return view.astype(np.float32) if flat.dtype == ml_dtypes.bfloat16 else view.copy()
