"""What a sheet of films has made: sheet.json grows film by film, so that the same command goes on where it stopped."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vis2sound_jax.errors import file_error
from vis2sound_jax.run.outputs import sha256
from vis2sound_jax.run.run_settings import read_object
from vis2sound_jax.whole import write_json

SHEET = "sheet.json"
_UNSAFE = frozenset('/\\:*?"<>|')
_MOST_BYTES = 80


class Made(NamedTuple):
    """One film with the sound of one example.

    Attributes:
      film: name of its file in the folder.
      sound: name of the file of its sound.
      video: name of the silent film.
      example: name of the example.
      digest: of all that it was made from.
    """

    film: str
    sound: str
    video: str
    example: str
    digest: str


class SheetList:
    """The films of a request in the order in which they are made, and those of requests before it.

    Attributes:
      made: of this request.
      left_out: file → why it cannot be used; what an earlier request found of the same file is known from the start.
    """

    def __init__(self, folder: Path, settings: Any, films: Sequence[Path] = ()) -> None:
        """Reads what is in the folder.

        Args:
          folder: of the sheet.
          settings: a JSON value: what a film depends on beside its two files.
          films: of the request.

        Raises:
          UserError: if the list in the folder is damaged.
        """
        self.made: list[Made] = []
        self.left_out: dict[Path, str] = {}
        self._folder = folder
        self._settings = json.dumps(settings, sort_keys=True)
        self._files: dict[Path, str] = {}
        listed, bad = _read(folder / SHEET)
        self._earlier = {one.digest: one for one in listed}
        self.left_out |= {path: bad[self.digest(path)] for path in films if bad and self.digest(path) in bad}

    def digest(self, *files: Path) -> str:
        """Names all that a film is made from; each file is read once.

        Args:
          *files: the silent film and the example.
        """
        parts = (self._settings, *(part for path in files for part in (repr(path.name), self._file(path))))
        return hashlib.sha256("\n".join(parts).encode(errors="backslashreplace")).hexdigest()

    def _file(self, path: Path) -> str:
        if path not in self._files:
            try:
                self._files[path] = sha256(path)
            except OSError:
                # Whoever opens it says what is wrong.
                self._files[path] = ""
        return self._files[path]

    def kept(self, digest: str) -> Made | None:
        """Finds a film that was made of the same before and is there.

        Args:
          digest: as `digest` gives it.
        """
        one = self._earlier.get(digest)
        there = one is not None and all((self._folder / name).is_file() for name in (one.film, one.sound))
        return one if there else None

    def name_for(self, place: int, number: int, video: Path, example: Path) -> str:
        """Names a film that is to be made, in characters and a length that every system can keep.

        Args:
          place: of the silent film.
          number: of the film among those of this silent film, from 1.
          video: the silent film.
          example: the example.
        """
        stem = f"{place:02d}_{number}_{_tame(video.stem)}_like_{_tame(example.stem)}"
        # A film of the same name and another digest is one of these files as they were before; it is replaced.
        taken = {one.film for one in self.made}
        names = (f"{stem}{mark}.mp4" for mark in ("", *(f"_{k}" for k in range(2, 1000))))
        return next(name for name in names if name not in taken)

    def add(self, one: Made, wanted: int) -> None:
        """Notes that a film is there, and writes the list.

        Args:
          one: the film.
          wanted: films that this request asks for.

        Raises:
          UserError: if the list cannot be written.
        """
        self.made.append(one)
        self.save(wanted)

    def save(self, wanted: int) -> dict[str, int]:
        """Writes the list.

        Args:
          wanted: films that this request asks for.

        Returns:
          How many films there are, of how many, and how many files could not be used.
        """
        counts = {"films": len(self.made), "of": wanted, "not_usable": len(self.left_out)}
        names = {one.film for one in self.made}
        earlier = [one._asdict() for one in self._earlier.values() if one.film not in names and one not in self.made]
        there = [one for one in earlier if (self._folder / one["film"]).is_file()]
        written = {
            **counts,
            "made": [one._asdict() for one in self.made],
            "left_out": [self.left_out[path] for path in sorted(self.left_out)],
            "left_out_files": {self.digest(path): reason for path, reason in sorted(self.left_out.items())},
            "of_earlier_requests": there,
        }
        write_json(self._folder / SHEET, written)
        return counts


def _read(path: Path) -> tuple[list[Made], dict[str, str]]:
    """The films of a list, and what could not be used; an earlier version's had no digests, and are made again."""
    try:
        found = read_object(path) or {}
        entries = [*found.get("made", ()), *found.get("of_earlier_requests", ())]
        return [Made(**one) for one in entries if "digest" in one], dict(found.get("left_out_files", {}))
    except (ValueError, TypeError):
        raise file_error(path, "is damaged", "delete it or name another --output") from None


def _tame(stem: str) -> str:
    safe = "".join("_" if char in _UNSAFE or not char.isprintable() else char for char in stem).strip(". ")
    data = os.fsencode(safe)[:_MOST_BYTES]
    return data.decode("utf-8", "ignore") or "_"
