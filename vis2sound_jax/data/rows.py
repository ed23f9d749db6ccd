"""Feature rows of many recordings on disk: written one recording at a time, read without loading them.

A store is a pair of files: `NAME.rows`, the rows of all recordings one after another in half precision, and
`NAME.json`, which says where each recording's rows lie. The second is written last, so that a store is there
as a whole or not at all, and memory does not grow with the number of recordings.
"""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from jaxtyping import Float, Float16

from vis2sound_jax.errors import file_error
from vis2sound_jax.whole import replacing, write_whole

_REMEDY = "delete this folder and run the same command again"


class RowWriter:
    """Writes a store; use it in a `with` statement. An error inside leaves no store."""

    def __init__(self, folder: Path, name: str) -> None:
        """Begins a store.

        Args:
          folder: made if it is not there.
          name: of the store.
        """
        self._folder, self._name = folder, name
        self._spans: dict[str, tuple[int, int]] = {}
        self._notes: dict[str, Any] = {}
        self._width, self._next = -1, 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{self._name}.json").unlink(missing_ok=True)
        self._replacing = replacing(self._folder / f"{self._name}.rows")
        self._file = self._replacing.__enter__().open("wb")
        return self

    def add(self, recording: str, rows: Float[np.ndarray, "t d"], note: Any = None) -> None:
        """Appends a recording.

        Args:
          recording: its name, not yet in the store.
          rows: stored as float16; d is that of the first recording.
          note: a JSON value to keep beside the rows.

        Raises:
          ValueError: if the name is there already or the rows are not as wide as the others.
        """
        if recording in self._spans:
            raise ValueError(f"{recording} is in the store {self._name} already")
        if self._width >= 0 and rows.shape[1] != self._width:
            raise ValueError(f"{recording} has rows of {rows.shape[1]} values, the others of {self._width}")
        self._width = rows.shape[1]
        self._spans[recording] = (self._next, len(rows))
        self._notes[recording] = note
        self._next += len(rows)
        self._file.write(np.ascontiguousarray(rows, np.float16).tobytes())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._replacing.__exit__(kind, error, trace)
        if kind is None:
            index = {"width": max(self._width, 0), "spans": self._spans, "notes": self._notes}
            write_whole(self._folder / f"{self._name}.json", json.dumps(index) + "\n")


class Rows:
    """A store, opened: `rows[recording]` is a view into the file.

    Attributes:
      width: values in a row.
      recordings: names in the order written.
      notes: recording → what was kept beside its rows.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Opens a store.

        Args:
          folder: where it is.
          name: of the store.

        Raises:
          UserError: if there is no whole store.
        """
        path = folder / f"{name}.json"
        try:
            index = json.loads(path.read_text(encoding="utf-8"))
            self.width, spans, self.notes = index["width"], index["spans"], index["notes"]
            self._spans = {recording: (first, count) for recording, (first, count) in spans.items()}
            total = sum(count for _, count in self._spans.values())
            shape = (total, self.width)
            rows = folder / f"{name}.rows"
            self._rows = np.memmap(rows, np.float16, "r", shape=shape) if total else np.zeros(shape, np.float16)
        except FileNotFoundError:
            raise file_error(path, "this part of the run is not there", "run the stages before it first") from None
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, OSError):
            raise file_error(path, "is damaged", _REMEDY) from None
        self.recordings = list(self._spans)

    def __getitem__(self, recording: str) -> Float16[np.ndarray, "t d"]:
        first, count = self._spans[recording]
        return self._rows[first : first + count]

    def __len__(self) -> int:
        return len(self._spans)


def has_rows(folder: Path, name: str) -> bool:
    """Tells whether a store is there as a whole.

    Args:
      folder: where stores lie.
      name: of the store.
    """
    return (folder / f"{name}.json").exists()
