"""WAV files written by hand: rates, widths and channels of every kind, headers that lie, samples that are none."""

import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from tests.fuzz.bytes_changed import Change, change, changes

_INTEGERS, _FLOATS, _ALAW, _EXTENSIBLE = 1, 3, 6, 0xFFFE
RATES_HZ = (0, 1, 999, 3999, 4000, 8000, 22050, 44100, 48000, 96000, 192000, 768000, 400_000_000, 2**31, 2**32 - 1)


class Wav(NamedTuple):
    """What the header says and what lies behind it."""

    form: int
    rate_hz: int
    channels: int
    bits: int
    samples: int
    bad: str
    stated_bytes: int | None
    riff_bytes: int | None
    block: int | None
    chunks: tuple[bytes, ...]
    harm: list[Change]


_USUAL = Wav(_INTEGERS, 44100, 1, 16, 20_000, "", None, None, None, (), [])
_LENGTHS = st.one_of(st.sampled_from((0, 1, 2**31, 2**32 - 1)), st.integers(0, 1 << 20))
_CHUNKS = (b"LIST\x04\0\0\0abcd", b"data\0\0\0\0", b"fmt \x02\0\0\0ab", b"junk\xff\xff\xff\x7f")
_ODD: dict[str, st.SearchStrategy[Any]] = {
    "form": st.sampled_from((_FLOATS, _FLOATS, _ALAW, _EXTENSIBLE, 0, 2, 85)),
    "rate_hz": st.sampled_from(RATES_HZ),
    "channels": st.sampled_from((0, 2, 2, 3, 6, 8, 9, 200, 65535)),
    "bits": st.sampled_from((32, 24, 8, 64, 0, 12, 1, 255)),
    "samples": st.one_of(st.integers(0, 5), st.integers(0, 60_000)),
    "bad": st.sampled_from(("nan", "inf", "-inf", "1e20", "denormal", "silent", "dc")),
    "stated_bytes": _LENGTHS,
    "riff_bytes": _LENGTHS,
    "block": st.integers(0, 65535),
    "chunks": st.lists(st.sampled_from(_CHUNKS), max_size=2).map(tuple),
    "harm": changes(3),
}


def wavs() -> st.SearchStrategy[Wav]:
    """WAV files with a few things that are not as usual; samples that are no numbers are in files of floats."""

    def odd(names: list[str]) -> st.SearchStrategy[Wav]:
        return st.fixed_dictionaries({name: _ODD[name] for name in names}).map(lambda found: _with(**found))

    return st.lists(st.sampled_from(tuple(_ODD)), max_size=3, unique=True).flatmap(odd)


def _with(**odd: Any) -> Wav:
    floats = {"form": _FLOATS, "bits": 32} if "bad" in odd else {}
    return _USUAL._replace(**{**floats, **odd})


def write_wav(path: Path, wav: Wav) -> None:
    """Writes it."""
    data = _samples(wav)
    block = wav.channels * wav.bits // 8 if wav.block is None else wav.block
    head = struct.pack(
        "<HHIIHH", wav.form, wav.channels, wav.rate_hz, wav.rate_hz * block % 2**32, block % 65536, wav.bits
    )
    if wav.form == _EXTENSIBLE:
        guid = bytes.fromhex("0000000000100080000000aa00389b71")
        head += struct.pack("<HHI", 22, wav.bits, 3) + struct.pack("<H", _INTEGERS) + guid[:14]
    stated = len(data) if wav.stated_bytes is None else wav.stated_bytes
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"".join(wav.chunks)
    body += b"data" + struct.pack("<I", stated) + data
    size = len(body) if wav.riff_bytes is None else wav.riff_bytes
    path.write_bytes(b"RIFF" + struct.pack("<I", size) + body)
    change(path, wav.harm)


def _samples(wav: Wav) -> bytes:
    channels = min(wav.channels, 16)
    n = wav.samples * channels
    noise = np.random.default_rng(wav.samples).standard_normal(n) * np.repeat(_envelope(wav.samples), channels) * 0.4
    if wav.bad == "silent":
        noise[:] = 0
    if wav.bad == "dc":
        noise[:] = 0.7
    if wav.form == _FLOATS:
        if n and wav.bad not in ("", "silent", "dc"):
            noise[n // 2] = 1e-310 if wav.bad == "denormal" else float(wav.bad)
        return noise.astype("<f8" if wav.bits == 64 else "<f4").tobytes()
    whole = np.clip(noise, -1, 1)
    if wav.bits == 8:
        return (whole * 127 + 128).astype(np.uint8).tobytes()
    if wav.bits == 24:
        return (whole * (2**23 - 1)).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return (whole * (2**31 - 1)).astype("<i4").tobytes() if wav.bits == 32 else (whole * 32767).astype("<i2").tobytes()


def _envelope(n: int) -> np.ndarray:
    return np.exp(-(np.arange(n) % 7000) / 600)
