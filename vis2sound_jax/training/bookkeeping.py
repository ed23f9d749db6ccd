"""When the training loop does what, and what it notes of the steps it made."""

import contextlib
import dataclasses
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax

from vis2sound_jax.errors import UserError
from vis2sound_jax.training.checkpoint import Checkpointer, load_meta
from vis2sound_jax.training.task import Metrics, Stream, TrainState

MAX_STEPS_IN_FLIGHT = 2
"""Steps queued on the device and not awaited; many more on virtual devices deadlock."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """When the loop does what.

    Attributes:
      steps: updates to make in all.
      log_every: steps between lines of metrics.
      save_every: steps between checkpoints.
      eval_every: steps between evaluations; 0 evaluates after the last step only.
      best: a number that the evaluation returns; the checkpoint of its lowest value is kept apart, in `best/`.
        Empty keeps none.
      keep: how many of the newest checkpoints to keep.
      profile: (first, last) step of which `jax.profiler` writes a trace to `profile/`; (0, 0) writes none.
      tensorboard: also write TensorBoard events.
    """

    steps: int
    log_every: int
    save_every: int
    eval_every: int = 0
    best: str = ""
    keep: int = 2
    profile: tuple[int, int] = (0, 0)
    tensorboard: bool = False

    def due(self, step: int, every: int) -> bool:
        """Tells whether what is done every so many steps is done at this one; the last step does all.

        Args:
          step: number of the step, from 1.
          every: how often it is done, in steps; 0 is at the last step only.
        """
        return step == self.steps or (every > 0 and step % every == 0)


class Window:
    """The metrics of the steps since the last line; they stay on the device until asked for."""

    def __init__(self, name: str) -> None:
        """Opens the first window; errors begin with `name`."""
        self._name = name
        self._open()

    def _open(self) -> None:
        self._steps: list[tuple[int, Metrics]] = []
        self._waited_s, self._started_s = 0.0, time.monotonic()

    def draw(self, stream: Stream) -> Mapping[str, Any]:
        """Draws a batch and counts how long that took."""
        began_s = time.monotonic()
        batch = next(stream)
        self._waited_s += time.monotonic() - began_s
        return batch

    def add(self, step: int, metrics: Metrics) -> None:
        """Notes a step; waits if too many are under way.

        Args:
          step: its number.
          metrics: what it measured, on the device.
        """
        self._steps.append((step, metrics))
        if len(self._steps) >= MAX_STEPS_IN_FLIGHT:
            jax.block_until_ready(self._steps[-MAX_STEPS_IN_FLIGHT][1])

    def check(self) -> None:
        """Stops at the first step with a metric that is not a finite number.

        Raises:
          UserError: that names the step.
        """
        self._steps = jax.device_get(self._steps)
        for step, metrics in self._steps:
            for metric, total in metrics.sums.items():
                if not math.isfinite(total):
                    raise UserError(
                        f"{self._name}: {metric} is {float(total)} at step {step}; nothing since the last "
                        "checkpoint was kept; lower the learning rate and start in another --workdir"
                    )

    def close(self) -> dict[str, float]:
        """Averages what `check` fetched, adds the rate and the share spent waiting for data, begins the next window."""
        merged = self._steps[0][1]
        for _, metrics in self._steps[1:]:
            merged = merged.merge(metrics)
        values = {f"train/{name}": value for name, value in merged.means().items()}
        seconds = max(time.monotonic() - self._started_s, 1e-9)
        values["train/steps_per_s"] = len(self._steps) / seconds
        values["train/data_wait_share"] = min(self._waited_s / seconds, 1.0)
        self._open()
        return values


class Best:
    """Keeps the checkpoint of the lowest value of a number apart."""

    def __init__(self, directory: Path, name: str) -> None:
        """Finds the lowest value of an earlier run; an empty name keeps nothing."""
        self._directory, self._name = directory, name
        found = load_meta(directory) if name and directory.is_dir() and any(directory.iterdir()) else {}
        self._lowest = found.get(name, math.inf)

    def offer(self, state: TrainState, values: Mapping[str, float]) -> None:
        """Saves the state if its value is the lowest so far.

        Args:
          state: what to save.
          values: name → what the evaluation of this state measured.

        Raises:
          UserError: if the evaluation measures no such number.
        """
        if not self._name:
            return
        if self._name not in values:
            raise UserError(
                f"config.training.best is {self._name!r}, but the evaluation measures {', '.join(sorted(values))}; "
                "name one of these"
            )
        if values[self._name] < self._lowest:
            self._lowest = values[self._name]
            with Checkpointer(self._directory, keep=1) as checkpointer:
                checkpointer.save(state, None, {self._name: self._lowest}, replace=True)


@contextlib.contextmanager
def profiled(workdir: Path, step: int, plan: Plan, begin: int) -> Iterator[None]:
    """Traces the steps of `plan.profile`: begins before the first and ends after the last.

    Args:
      workdir: gets `profile/`.
      step: the step inside.
      plan: says which steps.
      begin: the first step that this process makes; a resumed run traces what is left.

    Yields:
      Nothing.
    """
    first, last = max(plan.profile[0], begin), min(plan.profile[1], plan.steps)
    if step == first <= last:
        jax.profiler.start_trace(str(workdir / "profile"))
    yield
    if step == last >= first:
        jax.profiler.stop_trace()
