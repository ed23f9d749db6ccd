"""The chunks of a WAV file, walked over and written anew; RF64 above 4 GB, as EBU Tech 3306 has it."""

import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from vis2sound_jax.errors import file_error
from vis2sound_jax.whole import PathLike, replacing

LARGEST = 2**32 - 1
"""The largest size that a RIFF file can say."""
_MOST_CHUNKS, _BLOCK = 10_000, 1 << 20
_LATER = ("ds64", "JUNK", "PAD ", "FLLR")  # written anew where they are needed


class Chunk(NamedTuple):
    """A chunk of a file.

    Attributes:
      name: four characters.
      place: where its contents begin.
      size: bytes of them.
    """

    name: str
    place: int
    size: int


def chunks_of(path: PathLike) -> list[Chunk]:
    """Lists the chunks of a WAV file.

    Args:
      path: the file, RIFF or RF64.

    Returns:
      They in order. Of a file whose end is missing, the last one ends with the file.

    Raises:
      UserError: if it is missing or no WAV file.
    """
    try:
        with Path(path).open("rb") as file:
            return _walked(path, file)
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error)).lower()
        raise file_error(path, reason, "check the path") from error


def contents(path: PathLike, chunk: Chunk, most: int = 1 << 24) -> bytes:
    """Reads a chunk.

    Args:
      path: the file.
      chunk: one of it.
      most: bytes that are read at most.

    Returns:
      What is in it.
    """
    with Path(path).open("rb") as file:
        file.seek(chunk.place)
        return file.read(min(chunk.size, most))


def rewrite(
    source: PathLike,
    target: PathLike,
    before: Sequence[tuple[str, bytes]],
    after: Sequence[tuple[str, bytes]],
    leave_out: Iterable[Chunk] = (),
    largest: int = LARGEST,
) -> None:
    """Copies a WAV file with further chunks, in blocks, so that memory does not grow with it.

    Args:
      source: the file.
      target: the new one; it may be the same.
      before: names and contents that come before the sound.
      after: those that come after it.
      leave_out: chunks that are not copied.
      largest: size above which RF64 is written.

    Raises:
      UserError: if the source is no WAV file with a sound, or the target cannot be written.
    """
    chunks = chunks_of(source)
    names = [chunk.name for chunk in chunks]
    if "fmt " not in names or "data" not in names:
        raise file_error(source, "holds no sound", "give a WAV file")
    left = set(leave_out) | {chunk for chunk in chunks if chunk.name in _LATER}
    kept = [chunk for chunk in chunks if chunk not in left and chunk.name != "data"]
    (data, *_) = (chunk for chunk in chunks if chunk.name == "data")
    sizes = [chunk.size for chunk in (*kept, data)] + [len(held) for _, held in (*before, *after)]
    whole = 4 + sum(8 + size + size % 2 for size in sizes)
    with replacing(target) as temporary, Path(source).open("rb") as old, temporary.open("wb") as new:
        if whole > largest:
            _head64(new, whole + 36, data.size, _samples(old, kept, data))
        else:
            new.write(b"RIFF" + struct.pack("<I", whole) + b"WAVE")
        for name, held in before:
            _write(new, name, held)
        for chunk in kept:
            _copy(old, new, chunk, chunk.size)
        _copy(old, new, data, LARGEST if whole > largest else data.size)
        for name, held in after:
            _write(new, name, held)


def _walked(path: PathLike, file: BinaryIO) -> list[Chunk]:
    head, end = file.read(12), os.fstat(file.fileno()).st_size
    if len(head) < 12 or head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
        raise file_error(path, "is no WAV file", "give a sound as .wav")
    found: list[Chunk] = []
    long_size = 0
    while (place := file.tell()) + 8 <= end and len(found) < _MOST_CHUNKS:
        raw, size = struct.unpack("<4sI", file.read(8))
        if raw == b"ds64":
            long_size = struct.unpack("<Q", file.read(28)[8:16])[0] if size >= 28 else 0
        if raw == b"data" and size == LARGEST and head[:4] == b"RF64":
            size = long_size
        size = min(size, end - place - 8)
        found.append(Chunk(raw.decode("latin1"), place + 8, size))
        file.seek(place + 8 + size + size % 2)
    return found


def _head64(new: BinaryIO, whole: int, data: int, samples: int) -> None:
    new.write(b"RF64" + struct.pack("<I", LARGEST) + b"WAVE")
    _write(new, "ds64", struct.pack("<QQQI", whole, data, samples, 0))


def _samples(old: BinaryIO, kept: list[Chunk], data: Chunk) -> int:
    (form, *_) = (chunk for chunk in kept if chunk.name == "fmt ")
    old.seek(form.place)
    frame = struct.unpack("<H", old.read(14)[12:14])[0]
    return data.size // max(frame, 1)


def _write(new: BinaryIO, name: str, held: bytes) -> None:
    new.write(name.encode("latin1") + struct.pack("<I", len(held)) + held + b"\0" * (len(held) % 2))


def _copy(old: BinaryIO, new: BinaryIO, chunk: Chunk, said: int) -> None:
    new.write(chunk.name.encode("latin1") + struct.pack("<I", said))
    old.seek(chunk.place)
    left = chunk.size
    while left:
        block = old.read(min(_BLOCK, left))
        new.write(block)
        left -= len(block)
    new.write(b"\0" * (chunk.size % 2))
