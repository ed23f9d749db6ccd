"""Metrics on disk: one JSON object a line in `metrics.jsonl`, and TensorBoard events if asked."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import jax

from vis2sound_jax.errors import UserError
from vis2sound_jax.whole import write_whole


def _lines_up_to(path: Path, step: int) -> list[str]:
    """Keeps the whole lines of steps that a resumed run will not make again."""
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, KeyError, RecursionError, TypeError):
            continue  # A line that was cut when the process was killed.
    return kept


class MetricsWriter:
    """Appends metrics to `metrics.jsonl` in a folder; a context manager.

    Lines look like `{"step": 100, "train/loss": 1.25}`; one step may have several. Of several processes the first
    writes, the others do nothing.
    """

    def __init__(self, directory: str | os.PathLike[str], *, step: int, tensorboard: bool = False) -> None:
        """Opens the file and drops the lines beyond `step`.

        Args:
          directory: made if it is not there.
          step: the step the run starts from, 0 for a new run.
          tensorboard: also write TensorBoard events to `directory/tensorboard`.

        Raises:
          UserError: if TensorBoard is asked for and `tensorboardX` is not installed.
        """
        self._file: IO[str] | None = None
        self._events: Any = None
        if jax.process_index():
            return
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "metrics.jsonl"
        kept = _lines_up_to(path, step) if path.exists() else []
        write_whole(path, "".join(line + "\n" for line in kept))
        self._file = path.open("a", encoding="utf-8")
        self._events = _open_events(folder / "tensorboard", step) if tensorboard else None

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Appends one line and flushes it.

        Args:
          step: the number of updates made.
          values: name → number.
        """
        if self._file is not None:
            self._file.write(json.dumps({"step": step, **values}) + "\n")
            self._file.flush()
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(name, value, step)

    def close(self) -> None:
        """Closes the files."""
        if self._file is not None:
            self._file.close()
        if self._events is not None:
            self._events.close()

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open_events(directory: Path, step: int) -> Any:
    try:
        import tensorboardX
    except ImportError:
        raise UserError(
            "TensorBoard events were asked for, but tensorboardX is not installed; "
            "run `pip install -e .[tensorboard]` or do not ask for them"
        ) from None
    return tensorboardX.SummaryWriter(str(directory), purge_step=step + 1)
