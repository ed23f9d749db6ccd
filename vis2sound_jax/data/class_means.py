"""The mean spectrogram of every class of sound, which AutoFoley's residuals are added to."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.whole import write_arrays

KINDS = ("bin", "column")


class ClassMeans(NamedTuple):
    """Means of the training clips.

    Attributes:
      classes: their names.
      column: [c, k, f] mean of every column and bin, clips aligned at their begin.
      bin: [c, f] mean of every bin over all columns, which is the same however a film is shifted.
    """

    classes: tuple[str, ...]
    column: np.ndarray
    bin: np.ndarray

    def of(self, label: int, columns: int, kind: str) -> Float32[np.ndarray, "k f"]:
        """The mean of a class.

        Args:
          label: the class.
          columns: k wanted.
          kind: "bin", or "column", which is held on its last column where it is shorter.

        Returns:
          One row a column.

        Raises:
          UserError: for an unknown kind.
        """
        if kind not in KINDS:
            raise UserError(f"the kind of class mean is {kind!r}; choose one of {', '.join(KINDS)}")
        if kind == "bin":
            return np.broadcast_to(self.bin[label], (columns, self.bin.shape[1]))
        return self.column[label][np.minimum(np.arange(columns), self.column.shape[1] - 1)]

    def save(self, path: Path) -> None:
        """Writes the means.

        Args:
          path: an .npz file.
        """
        write_arrays(path, {"classes": np.array(self.classes), "column": self.column, "bin": self.bin})

    @classmethod
    def load(cls, path: Path) -> "ClassMeans":
        """Reads what `save` wrote.

        Args:
          path: the file.

        Raises:
          UserError: if it is not there.
        """
        try:
            with np.load(path) as arrays:
                return cls(tuple(str(name) for name in arrays["classes"]), arrays["column"], arrays["bin"])
        except FileNotFoundError:
            raise file_error(path, "this part of the run is not there", "run --job=sounds first") from None


def class_means(clips: Iterable[tuple[int, Float[np.ndarray, "k f"]]], classes: Sequence[str]) -> ClassMeans:
    """Averages clips of equal length.

    Args:
      clips: label and spectrogram of each, one after another.
      classes: names of the labels.

    Returns:
      The means.

    Raises:
      UserError: if a class has no clip.
    """
    sums: dict[int, np.ndarray] = {}
    counts = np.zeros(len(classes), int)
    for label, rows in clips:
        total = sums.setdefault(label, np.zeros(rows.shape, np.float64))
        total += rows
        counts[label] += 1
    for name, count in zip(classes, counts, strict=True):
        if not count:
            raise UserError(
                f"class {name} has no training clip, so it has no mean sound; add clips or remove its folder"
            )
    column = np.stack([sums[label] / counts[label] for label in range(len(classes))]).astype(np.float32)
    return ClassMeans(tuple(classes), column, column.mean(axis=1))
