"""The one training loop: every task, any mesh, any number of processes, exact resume."""

import contextlib
import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
from flax import linen as nn
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from vis2sound_jax.errors import Stopped, UserError
from vis2sound_jax.training.checkpoint import Checkpointer, load_meta
from vis2sound_jax.training.preemption import Preemption
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.training.sharding import make_mesh, place, replicate, shard_batch, shard_by_rules
from vis2sound_jax.training.tables import ACTIVATIONS
from vis2sound_jax.training.task import Metrics, PyTree, Stream, Task, TrainState
from vis2sound_jax.training.writer import MetricsWriter

Batch = Mapping[str, Any]
EvalFn = Callable[[TrainState], Mapping[str, float]]
BeginFn = Callable[[TrainState], TrainState]
StepFn = Callable[[TrainState, Batch, PyTree, jax.Array], tuple[TrainState, Metrics]]

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
        """Tells whether what is done every so many steps is done at this one; the last step does all."""
        return step == self.steps or (every > 0 and step % every == 0)


class _Window:
    """The metrics of the steps since the last line; they stay on the device until asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open()

    def _open(self) -> None:
        self._steps: list[tuple[int, Metrics]] = []
        self._waited_s, self._started_s = 0.0, time.monotonic()

    def draw(self, stream: Stream) -> Batch:
        """Draws a batch and counts how long that took."""
        began_s = time.monotonic()
        batch = next(stream)
        self._waited_s += time.monotonic() - began_s
        return batch

    def add(self, step: int, metrics: Metrics) -> None:
        self._steps.append((step, metrics))
        if len(self._steps) >= MAX_STEPS_IN_FLIGHT:
            jax.block_until_ready(self._steps[-MAX_STEPS_IN_FLIGHT][1])

    def check(self) -> None:
        """Stops at the first step with a metric that is not a finite number."""
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


def make_step(task: Task, shardings: PyTree) -> StepFn:
    """Compiles a task's update: state donated, key folded with the step, step counted.

    Args:
      task: whose `train_step` it is.
      shardings: a tree of shardings like the state.

    Returns:
      (state, batch, frozen, key of the run) → (new state, metrics). Metrics are whole on every device.
    """

    def step(state: TrainState, batch: Batch, frozen: PyTree, key: jax.Array) -> tuple[TrainState, Metrics]:
        with nn.logical_axis_rules(ACTIVATIONS):
            new, metrics = task.train_step(state, batch, frozen, jax.random.fold_in(key, state.step))
        return new.replace(step=state.step + 1), metrics

    everywhere = NamedSharding(jax.tree.leaves(shardings)[0].mesh, PartitionSpec())
    return jax.jit(step, donate_argnums=0, out_shardings=(shardings, everywhere))


def abstract_state(task: Task, key: jax.Array, batch: Batch, mesh: Mesh) -> TrainState:
    """Says what a task's state looks like on a mesh, without making it.

    Args:
      task: whose state it is.
      key: random key.
      batch: arrays or shape structs of a batch; only their shapes matter.
      mesh: the devices.

    Returns:
      Shape structs with shardings.

    Raises:
      UserError: if the task's sharding table does not fit.
    """
    shapes = jax.eval_shape(task.init, key, batch)
    shardings = shard_by_rules(shapes, task.sharding_rules, mesh)
    return jax.tree.map(
        lambda leaf, place: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), shapes, shardings
    )


def _begin(
    task: Task, stream: Stream, checkpointer: Checkpointer, key: jax.Array, mesh: Mesh, begin: BeginFn | None
) -> tuple[TrainState, Batch | None]:
    """Restores the newest state and the stream's position, or makes the first state.

    The batch that shows the shapes is returned if it is still to be trained on.
    """
    batch = next(stream)
    abstract = abstract_state(task, key, batch, mesh)
    restored = checkpointer.restore_latest(abstract)
    if restored is not None:
        stream.set_state(restored.data_state)
        return restored.state, None
    shardings = jax.tree.map(lambda leaf: leaf.sharding, abstract)
    state = jax.jit(task.init, out_shardings=shardings)(key, shard_batch(batch, mesh))
    return (state if begin is None else place(begin(state), shardings)), batch


class _Best:
    """Keeps the checkpoint of the lowest value of a number apart."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory, self._name = directory, name
        found = load_meta(directory) if name and directory.is_dir() and any(directory.iterdir()) else {}
        self._lowest = found.get(name, math.inf)

    def offer(self, state: TrainState, values: Mapping[str, float]) -> None:
        """Saves the state if its value is the lowest so far."""
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
                checkpointer.save(state, None, {self._name: self._lowest})


@contextlib.contextmanager
def _profiled(workdir: Path, step: int, plan: Plan) -> Iterator[None]:
    """Begins the trace before its first step and ends it after its last."""
    first, last = plan.profile
    if step == first:
        jax.profiler.start_trace(str(workdir / "profile"))
    yield
    if step == last:
        jax.profiler.stop_trace()


def train(
    task: Task,
    stream: Stream,
    plan: Plan,
    *,
    workdir: str | os.PathLike[str],
    key: jax.Array,
    eval_fn: EvalFn | None = None,
    begin: BeginFn | None = None,
    frozen: PyTree = None,
    mesh: Mesh | None = None,
    name: str = "train",
    meta: Mapping[str, Any] | None = None,
) -> TrainState:
    """Trains a task to its last step, from where an earlier run in the same folder stopped.

    Killed at any moment and called again with the same arguments, it ends with the same parameters
    bit for bit: a checkpoint is taken before the next batch is drawn and holds the stream's position,
    and the key of a step depends on nothing but `key` and the step.

    Args:
      task: what to train.
      stream: batches of this process's examples, from the beginning; moved on if there is a checkpoint.
      plan: how long, and when to log, save and evaluate.
      workdir: gets `checkpoints/` and `metrics.jsonl`.
      key: random key of the whole run.
      eval_fn: maps the state to named numbers, which are logged; it must not keep the state.
      begin: changes the very first state, for instance puts in weights of another run; shapes must stay.
      frozen: weights of earlier stages, given to every step.
      mesh: devices; None takes all of them as `data`.
      name: of the stage, for the progress bar and errors.
      meta: a JSON object to keep in every checkpoint.

    Returns:
      The state after the last step; its checkpoint is durable.

    Raises:
      UserError: if a metric is NaN or infinite, the disk is full, or the checkpoint does not fit.
      Stopped: if SIGTERM came; what was trained is saved.
    """
    workdir, mesh = Path(workdir), make_mesh() if mesh is None else mesh
    init_key, step_key = jax.random.split(key)
    with jax.set_mesh(mesh), Checkpointer(workdir / "checkpoints", keep=plan.keep) as checkpointer:
        state, batch = _begin(task, stream, checkpointer, init_key, mesh, begin)
        start = int(state.step)
        run_step = make_step(task, jax.tree.map(lambda leaf: leaf.sharding, state))
        frozen, window, best = replicate(frozen, mesh), _Window(name), _Best(workdir / "best", plan.best)
        with (
            MetricsWriter(workdir, step=start, tensorboard=plan.tensorboard) as writer,
            Progress(plan.steps, name, initial=start, shown=jax.process_index() == 0) as progress,
            Preemption() as preemption,
        ):
            for step in range(start + 1, plan.steps + 1):
                batch = window.draw(stream) if batch is None else batch
                with _profiled(workdir, step, plan):
                    state, metrics = run_step(state, shard_batch(batch, mesh), frozen, step_key)
                    window.add(step, metrics)
                batch, note, stop = None, "", preemption.reached(step)
                log, save = plan.due(step, plan.log_every), stop or plan.due(step, plan.save_every)
                if log or save:
                    window.check()
                if log:
                    values = window.close()
                    writer.write(step, values)
                    note = " ".join(f"{k.removeprefix('train/')} {v:.4g}" for k, v in values.items())
                if eval_fn is not None and plan.due(step, plan.eval_every):
                    found = eval_fn(state)
                    writer.write(step, found)
                    best.offer(state, found)
                if save:
                    checkpointer.save(state, stream.get_state(), meta)
                progress.advance(note=note)
                if stop and step < plan.steps:
                    raise Stopped(f"{name}: stopped after step {step} of {plan.steps}, which is saved")
    return state
