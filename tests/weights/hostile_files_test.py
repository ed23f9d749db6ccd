"""Laws of files that mean harm: each is refused with one line, in little memory and time, and the process lives."""

import resource
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.weights.files import read_state_dict
from vis2sound_jax.weights.sizes import sizes_from_state_dict

HEAD, MANY = b"\x80\x02", 300_000_000


def named(module: str, name: str) -> bytes:
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def whole(number: int) -> bytes:
    return b"J" + struct.pack("<i", number)


def long(number: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", number)


def text(words: str) -> bytes:
    return b"X" + struct.pack("<I", len(words)) + words.encode()


def row(numbers: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(long, numbers)) + b"t"


def storage(kind: str, key: str, count: int) -> bytes:
    return b"(" + text("storage") + named("torch", kind) + text(key) + text("cpu") + long(count) + b"tQ"


def tensor(count: int, shape: tuple[int, ...], strides: tuple[int, ...], key: str = "0") -> bytes:
    rebuilt = named("torch._utils", "_rebuild_tensor_v2")
    return rebuilt + b"(" + storage("FloatStorage", key, count) + whole(0) + row(shape) + row(strides) + b"tR"


def one(value: bytes) -> bytes:
    """A dictionary with one value."""
    return HEAD + b"}" + text("a") + value + b"s."


def doubled(times: int) -> bytes:
    """A tuple of twice a tuple of twice a tuple: a few bytes a level, and twice the time to hash."""
    return b"".join(b"q" + bytes([k]) + b"h" + bytes([k]) + b"\x86" for k in range(times))


def built(kind: bytes, state: bytes) -> bytes:
    return one(kind + state + b"b")


_DTYPE_STATE = b"(" + whole(3) + text(">") + b"NNN" + whole(64) + whole(1) + whole(0) + b"t"
PICKLES: dict[str, bytes] = {
    "a call that takes memory": one(named("builtins", "bytearray") + b"(" + whole(MANY) + b"tR"),
    "one number, many times": one(tensor(1, (MANY // 4,), (0,))),
    "a place far off in the memo": HEAD + b"Nr" + struct.pack("<I", 30_000_000) + b".",
    "tuples in tuples": HEAD + b"})" + b"\x85" * 3_000_000 + b"Ns.",
    "a key that takes for ever to hash": HEAD + b"})" + doubled(60) + b"Ns.",
    "a state for a type of numbers": built(named("torch", "BFloat16Storage"), _DTYPE_STATE),
    "a state for a function": built(named("torch._utils", "_rebuild_tensor_v2"), b"N}" + text("__name__") + b"Ns\x86"),
    "too many steps": HEAD + b"(" + b"}" * 3_000_000 + b"t.",
    "a list copied again and again": HEAD
    + b"]("
    + b"N" * 10_000
    + b"eq\x01"
    + named("builtins", "list")
    + b"q\x020"
    + b"".join(b"h\x02(h\x01tR" for _ in range(10_000))
    + b".",
    "a step of no weights": HEAD + b"P1\n.",
    "less than no numbers": one(tensor(-1, (0,), (1,))),
    "nothing on the stack": HEAD + b"\x87.",
    "a mark for a value": HEAD + b"(\x85.",
    "no such place": HEAD + b"h\x07.",
}


def archive(path: Path, pickled: bytes, packing: int = zipfile.ZIP_STORED, **numbers: bytes) -> Path:
    with zipfile.ZipFile(path, "w", packing) as file:
        file.writestr("archive/data.pkl", pickled)
        for key, values in ({"0": b"\0\0\0\0"} | numbers).items():
            file.writestr(f"archive/data/{key}", values)
    return path


def refuse(path: Path) -> str:
    """Reads a file that must be refused; checks time and memory."""
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError) as refused:
        read_state_dict(path)
    line = str(refused.value)
    assert line.startswith(f"{path}: ") and "\n" not in line
    # Far from what any of them asks for; the limits themselves are in the module.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000 and time.monotonic() - started < 60
    return line


@pytest.mark.parametrize("name", PICKLES)
def test_a_pickle_that_means_harm_is_refused(tmp_path: Path, name: str) -> None:
    refuse(archive(tmp_path / "net.pth", PICKLES[name]))
    assert np.dtype(ml_dtypes.bfloat16).itemsize == 2 and np.dtype(ml_dtypes.bfloat16).isnative


@pytest.mark.parametrize("name", PICKLES)
def test_the_same_in_the_older_row_of_pickles(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(HEAD + b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19." + HEAD + b"M\xe9\x03." + HEAD + b"}." + PICKLES[name])
    refuse(path)


def test_packed_pickles_and_arrays_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    bomb = one(b"X" + struct.pack("<I", MANY) + b"A" * MANY)
    line = refuse(archive(tmp_path / "net.pth", bomb, zipfile.ZIP_DEFLATED))
    assert "its pickle is compressed or larger than weights need" in line
    np.savez_compressed(tmp_path / "net.npz", a=np.zeros(MANY // 4, np.float32))
    assert "as no weights do" in refuse(tmp_path / "net.npz")
    np.savez_compressed(tmp_path / "small.npz", a=np.zeros(1000, np.float32))
    assert read_state_dict(tmp_path / "small.npz")["a"].shape == (1000,)


def test_views_of_few_numbers_cannot_become_many(tmp_path: Path) -> None:
    views = b"".join(text(f"w{k}") + tensor(1000, (1000,), (1,)) + b"s" for k in range(9))
    line = refuse(archive(tmp_path / "net.pth", HEAD + b"}" + views + b".", **{"0": bytes(4000)}))
    assert "more than 8 times the numbers that it holds" in line
    tied = b"".join(text(f"w{k}") + tensor(1000, (1000,), (1,)) + b"s" for k in range(2))
    found = read_state_dict(archive(tmp_path / "tied.pth", HEAD + b"}" + tied + b".", **{"0": bytes(4000)}))
    assert {name: array.shape for name, array in found.items()} == {"w0": (1000,), "w1": (1000,)}


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("transformer", {"tok_emb.weight": np.zeros(3), "pos_emb": np.zeros((1, 4, 2))}),
        ("melgan", {"model.1.weight_v": np.zeros(3)}),
        (
            "transformer",
            {"tok_emb.weight": np.zeros((3, 2)), "pos_emb": np.zeros((1, 4, 2)), "blocks.99999999.x": np.zeros(1)},
        ),
        ("codebook", {"encoder.conv_in.weight": np.zeros((0, 1)), "quantize.embedding.weight": np.zeros((1, 1))}),
    ],
)
def test_shapes_that_no_model_has_are_a_line(kind: str, state: dict[str, np.ndarray]) -> None:
    with pytest.raises(UserError, match="choose the file of this model"):
        sizes_from_state_dict(state, kind)


@pytest.mark.parametrize("make", [lambda rng, data: _flipped(rng, data), lambda rng, data: _cut(rng, data)])
def test_damaged_files_are_read_or_refused(tmp_path: Path, make: Callable[[np.random.Generator, bytes], bytes]) -> None:
    path, rng = tmp_path / "net.pth", np.random.default_rng(0)
    good = one(tensor(1, (1,), (1,)))
    for _ in range(150):
        archive(path, make(rng, good))
        try:
            assert len(read_state_dict(path)) <= 2
        except UserError as error:
            assert "\n" not in str(error)


def _flipped(rng: np.random.Generator, data: bytes) -> bytes:
    changed = bytearray(data)
    for place in rng.integers(len(data), size=3):
        changed[place] = rng.integers(256)
    return bytes(changed)


def _cut(rng: np.random.Generator, data: bytes) -> bytes:
    first, last = sorted(rng.integers(len(data), size=2))
    return data[:first] + data[last:]


def test_a_process_lives_on_after_each_of_them(tmp_path: Path) -> None:
    """Two of them ended older versions by a signal, which no other test could tell."""
    paths = [archive(tmp_path / f"{k}.pth", pickled) for k, pickled in enumerate(PICKLES.values())]
    program = (
        "import sys\nfrom vis2sound_jax.errors import UserError\n"
        "from vis2sound_jax.weights.files import read_state_dict\n"
        "for path in sys.argv[1:]:\n    try:\n        read_state_dict(path)\n"
        "    except UserError:\n        print('refused')\n"
    )
    process = [sys.executable, "-c", program, *map(str, paths)]
    done = subprocess.run(process, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["refused"] * len(paths)), done.stderr
