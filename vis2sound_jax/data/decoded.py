"""Films decoded once for a whole training: grey, one byte a pixel, in one file that is mapped from disk.

Beside the pixels, `NAME.frames`, lies `NAME.json`, which is written last: what they were made from, and their checksum.
Pixels of other recordings are made anew; damaged ones are refused. Pixels are what `decode_jpeg` gives, so that a
training sees the same with and without the file, to the bit.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL
from jaxtyping import Int, UInt8

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.prepare.cores import usable_cores
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.video.files import decode_jpeg
from vis2sound_jax.whole import replacing, write_json

GreyFilm = UInt8[np.ndarray, "t h w"] | None
"""All frames of a recording, or None where they are decoded when they are wanted."""
Progress = Callable[[int, int], None]

_CHUNK = 1 << 24


def grey_films(
    records: Sequence[Record], folder: Path, name: str, *, limit_bytes: float, progress: Progress | None = None
) -> list[GreyFilm]:
    """Opens the decoded films of recordings, and makes them if they are not there.

    Args:
      records: the recordings, all of one picture size.
      folder: where the file lies; made if it is not there.
      name: of the file.
      limit_bytes: what would take more is not kept.
      progress: called with (done, total) where films are decoded.

    Returns:
      One film a recording, views into the file; None for all where they would take more than the limit.

    Raises:
      UserError: if the file is damaged or cannot be written, or a recording's frames differ in size from the first's.
    """
    counts = [len(record["frames"]) for record in records]
    size = decode_jpeg(records[0]["frames"][0], grey=True).shape if sum(counts) else (0, 0)
    total = sum(counts) * size[0] * size[1]
    if not 0 < total <= limit_bytes:
        return [None] * len(counts)
    found = mapped_films(folder, name, _origin(records), counts, size, lambda: _films(records, size), progress=progress)
    return list(found.films)


class MappedFilms(NamedTuple):
    """Films in a file.

    Attributes:
      films: views into the file.
      notes: what `make` said of each, in JSON's types.
    """

    films: list[UInt8[np.ndarray, "t h w"]]
    notes: list[Any]


def mapped_films(
    folder: Path,
    name: str,
    origin: str,
    counts: Sequence[int],
    size: tuple[int, int],
    make: Callable[[], Iterable[tuple[UInt8[np.ndarray, "t h w"], Any]]],
    *,
    progress: Progress | None = None,
) -> MappedFilms:
    """Opens films in a file, and makes them if they are not there or of another origin.

    Args:
      folder: where the file lies; made if it is not there.
      name: of the file.
      origin: says all that the films depend on.
      counts: frames of each film.
      size: height and width of all.
      make: gives each film, with what is to be noted of it.
      progress: called with (done, total) where films are made.

    Returns:
      The films.

    Raises:
      UserError: if the file is damaged or cannot be written.
    """
    path, index = folder / f"{name}.frames", _read_index(folder / f"{name}.json")
    if index is None or index.get("origin") != origin or not path.is_file():
        remove_films(folder, name)
        folder.mkdir(parents=True, exist_ok=True)
        checksum, notes = _write(path, make(), len(counts), progress)
        index = {"origin": origin, "checksum": checksum, "notes": notes}
        write_json(folder / f"{name}.json", index)
    elif path.stat().st_size != sum(counts) * size[0] * size[1] or _checksum(path) != index.get("checksum"):
        raise _damaged(path)
    elif len(index.get("notes", ())) != len(counts):
        raise _damaged(folder / f"{name}.json")
    pixels = np.asarray(np.memmap(path, np.uint8, "r", shape=(sum(counts), *size)))
    ends = np.cumsum(counts)
    return MappedFilms([pixels[end - count : end] for count, end in zip(counts, ends, strict=True)], index["notes"])


def remove_films(folder: Path, name: str) -> None:
    """Removes decoded films, if there are any.

    Args:
      folder: where the file lies.
      name: of the file.
    """
    for suffix in ("json", "frames"):
        (folder / f"{name}.{suffix}").unlink(missing_ok=True)


def grey_at(film: GreyFilm, encoded: Sequence[bytes], places: Int[np.ndarray, "n"]) -> UInt8[np.ndarray, "n h w"]:
    """Looks frames up, or decodes them, each of them once.

    Args:
      film: all frames, if they are at hand.
      encoded: JPEG of every frame.
      places: which of them, each in [0, len(encoded)).
    """
    if film is not None:
        return film[places]
    shown = {int(k): decode_jpeg(encoded[k], grey=True) for k in np.unique(places)}
    return np.stack([shown[int(k)] for k in places])


def _origin(records: Sequence[Record]) -> str:
    """A digest of the encoded frames and of what decodes them."""
    found = hashlib.blake2b(f"Pillow {PIL.__version__}".encode(), digest_size=16)
    for record in records:
        found.update(f"\n{record['id']} {[len(frame) for frame in record['frames']]}\n".encode())
        for frame in record["frames"]:
            found.update(frame)
    return found.hexdigest()


def _read_index(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        raise _damaged(path) from None
    if not isinstance(found, dict):
        raise _damaged(path)
    return found


def _damaged(path: Path) -> UserError:
    return file_error(path, "is damaged", "delete it and run the same command again")


def _write(
    path: Path, films: Iterable[tuple[np.ndarray, Any]], total: int, progress: Progress | None
) -> tuple[int, list[Any]]:
    """Writes films, and returns the checksum and the notes."""
    checksum, notes = 0, []
    with replacing(path) as part, part.open("wb") as file:
        for film, note in films:
            pixels = film.tobytes()
            file.write(pixels)
            checksum = zlib.crc32(pixels, checksum)
            notes.append(note)
            if progress:
                progress(len(notes), total)
    return checksum, notes


def _films(records: Sequence[Record], size: tuple[int, ...]) -> Iterator[tuple[np.ndarray, None]]:
    """Decodes recordings a few at a time."""
    threads = max(2, usable_cores())
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(records), 2 * threads):
            part = records[first : first + 2 * threads]
            for record, film in zip(part, pool.map(_decoded, part), strict=True):
                if film.shape[1:] != size:
                    raise UserError(
                        f"record {record['id']} has pictures of {film.shape[1:]} pixels, the first record of "
                        f"{size}; prepare the data again"
                    )
                yield film, None


def _decoded(record: Record) -> UInt8[np.ndarray, "t h w"]:
    return np.stack([decode_jpeg(frame, grey=True) for frame in record["frames"]])


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return checksum
