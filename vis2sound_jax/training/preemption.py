"""SIGTERM asks a run to stop: schedulers send it some seconds or minutes before they take a machine away."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

import jax
from jax.experimental import multihost_utils


class Preemption:
    """Notices SIGTERM between steps; a context manager.

    Of several processes any one may get the signal. jax's own runtime then chooses a step at which all of them
    stop, so that the checkpoint is whole.
    """

    def __init__(self) -> None:
        """Does nothing yet."""
        self._asked = False
        self._before: Any = None
        # Python lets only the main thread listen to signals; with several processes jax's runtime does.
        self._listens = threading.current_thread() is threading.main_thread() and jax.process_count() == 1

    def __enter__(self) -> "Preemption":
        if self._listens:
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._asked = True

    def reached(self, step: int) -> bool:
        """Tells whether to save and stop after this step; every process must ask after every step."""
        if jax.process_count() > 1:
            return multihost_utils.reached_preemption_sync_point(step)
        return self._asked

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listens:
            signal.signal(signal.SIGTERM, self._before)
