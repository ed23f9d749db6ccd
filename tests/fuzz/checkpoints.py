"""Files of weights: whole ones of all four forms, and the same with their steps, sizes and bytes changed."""

import functools
import io
import json
import struct
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors.numpy
from hypothesis import strategies as st

from tests.fuzz.bytes_changed import Change, change, changed, changes
from tests.weights.hostile_files_test import HEAD, PICKLES, archive, long, named, row, text

GOLDEN = Path(__file__).parents[1] / "golden"
FORMS = ("zip", "zip", "old", "safetensors", "npz")
KINDS = {"melgan": "melgan", "r2plus1d": "video_r2plus1d", "codebook": "vqgan", "transformer": "gpt"}
STORAGES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8"}
_OLD = HEAD + b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19." + HEAD + b"M\xe9\x03." + HEAD + b"}."
# Steps of pickles with what they need behind them, some of them no weights have.
STEPS = (
    *(b"(", b".", b"0", b"2", b"1", b"N", b"}", b"]", b")", b"\x8f", b"\x85", b"\x86", b"\x87", b"t", b"l", b"d"),
    *(b"a", b"e", b"s", b"u", b"b", b"R", b"\x81", b"\x92", b"o", b"Q", b"\x90", b"\x91", b"\x93", b"\x94"),
    *(b"q\x00", b"q\x01", b"h\x00", b"h\x01", b"h\xff", b"r\xff\xff\x00\x00", b"j\x00\x00\x00\x00", b"K\x07"),
    *(b"J\xff\xff\xff\xff", b"\x8a\x01\x7f", b"\x8b\xff\xff\xff\x7f", b"X\xff\xff\xff\x7f", b"X\x01\x00\x00\x00a"),
    *(b"G\x7f\xf8\x00\x00\x00\x00\x00\x00", b"C\x02ab", b"\x8d" + b"\xff" * 8, b"\x95" + b"\xff" * 8, b"\x80\x05"),
    *(named("builtins", name) for name in ("set", "dict", "list", "bytearray", "tuple", "eval", "getattr", "int")),
    *(named("collections", "OrderedDict"), named("torch", "Size"), named("torch", "FloatStorage")),
    *(named("torch._utils", "_rebuild_tensor_v2"), named("numpy", "ndarray"), named("os", "system")),
)  # fmt: skip


class Oddity(NamedTuple):
    """What one tensor says of itself that is not so."""

    what: str
    value: int


class Checkpoint(NamedTuple):
    """A file of weights."""

    form: str
    base: str
    kind: str
    storage: str
    oddity: Oddity | None
    steps: tuple[tuple[float, bytes], ...]
    inner: list[Change]
    harm: list[Change]
    packed: bool
    hostile: str


def checkpoints() -> st.SearchStrategy[Checkpoint]:
    """Files of weights, most of them with one thing wrong at most."""
    numbers = st.sampled_from((-1, 0, 1, 3, 2**31, 2**62, 2**63 - 1, -(2**63)))
    whats = ("shape", "axes", "strides", "offset", "count", "name", "nan", "key", "type", "layers", "short")
    nothing: st.SearchStrategy[list[Change]] = st.just([])
    steps = st.lists(st.tuples(st.floats(0, 1), st.sampled_from(STEPS)), max_size=4).map(tuple)
    return st.builds(
        Checkpoint,
        st.sampled_from(FORMS),
        st.sampled_from((*KINDS, "few")),
        st.sampled_from(("same", "same", *KINDS)),
        st.sampled_from(("FloatStorage", "FloatStorage", *STORAGES)),
        st.one_of(st.none(), st.builds(Oddity, st.sampled_from(whats), numbers)),
        st.one_of(st.just(()), st.just(()), steps),
        st.one_of(nothing, nothing, changes(3)),
        st.one_of(nothing, nothing, changes(3)),
        st.sampled_from((False, False, False, True)),
        st.sampled_from((*[""] * 9, *PICKLES)),
    )


def kind_of(wanted: Checkpoint) -> str:
    """As which model the file is to be converted."""
    return (wanted.base if wanted.base in KINDS else "melgan") if wanted.kind == "same" else wanted.kind


def suffix_of(wanted: Checkpoint) -> str:
    """How the file's name ends."""
    return {"zip": ".pth", "old": ".ckpt"}.get(wanted.form, f".{wanted.form}")


@functools.cache
def _released(base: str) -> dict[str, np.ndarray]:
    """Weights as a reference names them."""
    if base == "few":
        rng = np.random.default_rng(0)
        return {f"model.{k}.weight": rng.standard_normal((3, 2)).astype(np.float32) for k in range(3)}
    with np.load(GOLDEN / f"{KINDS[base]}_seed0.npz") as arrays:
        found = {name.removeprefix("sd/"): arrays[name] for name in arrays.files if name.startswith("sd/")}
    return {f"transformer.{name}" if base == "transformer" else name: array for name, array in found.items()}


def write_checkpoint(path: Path, wanted: Checkpoint) -> None:
    """Writes the file."""
    arrays = _with_oddity(_released(wanted.base), wanted.oddity)
    if wanted.form in ("zip", "old"):
        _write_torch(path, wanted, arrays)
    elif wanted.form == "npz":
        _write_npz(path, wanted, arrays)
    else:
        floats = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        path.write_bytes(_with_header_changed(safetensors.numpy.save(floats), wanted))
    change(path, wanted.harm)


def _with_oddity(arrays: dict[str, np.ndarray], oddity: Oddity | None) -> dict[str, np.ndarray]:
    """Changes that every form can hold."""
    made = dict(arrays)
    first = next(iter(made))
    what = "" if oddity is None else oddity.what
    if what == "name":
        made[("", "\0", "a" * 5000, "../x", "state_dict")[oddity.value % 5]] = made.pop(first)  # type: ignore[union-attr]
    elif what == "nan":
        made[first] = np.full_like(made[first], np.nan)
    elif what == "axes":
        made[first] = made[first].reshape(-1)
    elif what == "short":
        made = {first: made[first]}
    elif what == "layers":
        made["model.99999999.weight_v"] = made["transformer.blocks.99999999.x"] = made[first]
    elif what == "type":
        made[first] = made[first].astype(("i1", "f2", "?", "u8", "i4")[oddity.value % 5])  # type: ignore[union-attr]
    elif what == "shape":
        made[first] = made[first].reshape(-1)[: abs(oddity.value) % 7]  # type: ignore[union-attr]
    return made


def _tensor(number: int, array: np.ndarray, storage: str, oddity: Oddity | None) -> bytes:
    count, shape, key, offset = array.size, array.shape, str(number), 0
    strides = tuple(int(step) // array.itemsize for step in np.empty(shape, array.dtype).strides)
    if oddity is not None and not number:
        if oddity.what == "strides":
            strides = tuple([oddity.value] * len(shape))
        elif oddity.what == "offset":
            offset = oddity.value
        elif oddity.what == "count":
            count = oddity.value
        elif oddity.what == "key":
            key = ("1", "999", "../0", "")[oddity.value % 4]
        elif oddity.what == "shape":
            shape = (*shape[:-1], oddity.value)
    stored = b"(" + text("storage") + named("torch", storage) + text(key) + text("cpu") + long(count) + b"tQ"
    rebuilt = named("torch._utils", "_rebuild_tensor_v2")
    return rebuilt + b"(" + stored + long(offset) + row(shape) + row(strides) + b"tR"


def _write_torch(path: Path, wanted: Checkpoint, arrays: dict[str, np.ndarray]) -> None:
    if wanted.hostile:
        pickled, numbers = PICKLES[wanted.hostile], {}
    else:
        plain = {name: array.astype(STORAGES[wanted.storage]) for name, array in arrays.items()}
        parts = [
            text(name) + _tensor(number, array, wanted.storage, wanted.oddity) + b"s"
            for number, (name, array) in enumerate(plain.items())
        ]
        for place, step in wanted.steps:
            parts.insert(round(place * len(parts)), step)
        pickled = changed(HEAD + b"}" + b"".join(parts) + b".", wanted.inner)
        numbers = {str(number): array.tobytes() for number, array in enumerate(plain.values())}
    if wanted.form == "zip":
        archive(path, pickled, zipfile.ZIP_DEFLATED if wanted.packed else zipfile.ZIP_STORED, **numbers)
        return
    keys = HEAD + b"(" + b"".join(map(text, numbers)) + b"l."
    counts = [array.size for array in arrays.values()]
    rows = b"".join(struct.pack("<q", count) + data for count, data in zip(counts, numbers.values(), strict=False))
    path.write_bytes(_OLD + pickled + keys + rows)


def _write_npz(path: Path, wanted: Checkpoint, arrays: dict[str, np.ndarray]) -> None:
    made: dict[str, np.ndarray] = dict(arrays)
    if wanted.hostile:
        made["object"] = np.array([{}, []], dtype=object)
    saved = io.BytesIO()
    (np.savez_compressed if wanted.packed else np.savez)(saved, **{name: made[name] for name in made if name != "file"})
    if not wanted.inner and not wanted.steps:
        path.write_bytes(saved.getvalue())
        return
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        for number, name in enumerate(old.namelist()):
            data = old.read(name)
            if not number and wanted.steps:
                shape = (wanted.oddity.value if wanted.oddity else 10**12, 3)
                header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
                data = b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + data[128:]
            new.writestr(name, changed(data, wanted.inner if number < 2 else []))


def _with_header_changed(saved: bytes, wanted: Checkpoint) -> bytes:
    """Safetensors with another header: sizes, kinds and places that are not so, or no JSON at all."""
    (length,) = struct.unpack("<Q", saved[:8])
    header, rest = json.loads(saved[8 : 8 + length]), saved[8 + length :]
    first = next(iter(header))
    if wanted.oddity is not None and wanted.steps:
        what, value = wanted.oddity
        header[first] = {
            **header[first],
            "shape": [value, 1] if what == "strides" else header[first]["shape"],
            "data_offsets": [value, value] if what in ("offset", "count") else header[first]["data_offsets"],
            "dtype": ("BF16", "F8_E4M3", "U16", "X", "I64")[value % 5] if what == "key" else header[first]["dtype"],
        }
    text_of = changed(json.dumps(header).encode(), wanted.inner)
    stated = len(text_of) if not wanted.packed else (wanted.oddity.value if wanted.oddity else 2**60) % 2**64
    return struct.pack("<Q", stated) + text_of + rest
