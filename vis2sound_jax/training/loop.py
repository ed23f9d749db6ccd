"""The one training loop: every task, any mesh, exact resume."""

import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh

from vis2sound_jax.errors import UserError
from vis2sound_jax.training.checkpoint import Checkpointer
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.training.sharding import make_mesh, replicate, shard_batch, shard_by_rules
from vis2sound_jax.training.task import Metrics, PyTree, Stream, Task, TrainState
from vis2sound_jax.training.writer import MetricsWriter

Batch = Mapping[str, Any]
EvalFn = Callable[[TrainState], Mapping[str, float]]
BeginFn = Callable[[TrainState], TrainState]
StepFn = Callable[[TrainState, Batch, PyTree, jax.Array], tuple[TrainState, Metrics]]

MAX_STEPS_IN_FLIGHT = 2
"""Steps queued on the device and not awaited; many more on virtual devices deadlock."""


def _due(step: int, every: int, steps: int) -> bool:
    """Tells whether what is done every so many steps is done at this one; the last step does all."""
    return step == steps or (every > 0 and step % every == 0)


class _Window:
    """The metrics of the steps since the last line; they stay on the device until asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open()

    def _open(self) -> None:
        self._steps: list[tuple[int, Metrics]] = []
        self._started_s = time.monotonic()

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
        """Averages what `check` fetched, adds the rate and begins the next window."""
        merged = self._steps[0][1]
        for _, metrics in self._steps[1:]:
            merged = merged.merge(metrics)
        values = {f"train/{name}": value for name, value in merged.means().items()}
        values["train/steps_per_s"] = len(self._steps) / max(time.monotonic() - self._started_s, 1e-9)
        self._open()
        return values


def make_step(task: Task, shardings: PyTree) -> StepFn:
    """Compiles a task's update: state donated, key folded with the step, step counted.

    Args:
      task: whose `train_step` it is.
      shardings: a tree of shardings like the state.

    Returns:
      (state, batch, frozen, key of the run) → (new state, metrics).
    """

    def step(state: TrainState, batch: Batch, frozen: PyTree, key: jax.Array) -> tuple[TrainState, Metrics]:
        new, metrics = task.train_step(state, batch, frozen, jax.random.fold_in(key, state.step))
        return new.replace(step=state.step + 1), metrics

    return jax.jit(step, donate_argnums=0, out_shardings=(shardings, None))


def _begin(
    task: Task, stream: Stream, checkpointer: Checkpointer, key: jax.Array, mesh: Mesh, begin: BeginFn | None
) -> tuple[TrainState, Batch | None]:
    """Restores the newest state and the stream's position, or makes the first state.

    The batch that shows the shapes is returned if it is still to be trained on.
    """
    batch = next(stream)
    shapes = jax.eval_shape(task.init, key, batch)
    shardings = shard_by_rules(shapes, task.sharding_rules, mesh)
    abstract = jax.tree.map(
        lambda leaf, place: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), shapes, shardings
    )
    restored = checkpointer.restore_latest(abstract)
    if restored is None:
        state = jax.jit(task.init, out_shardings=shardings)(key, shard_batch(batch, mesh))
        return state if begin is None else jax.device_put(begin(state), shardings), batch
    stream.set_state(restored.data_state)
    return restored.state, None


def train(
    task: Task,
    stream: Stream,
    *,
    workdir: str | os.PathLike[str],
    steps: int,
    log_every: int,
    save_every: int,
    key: jax.Array,
    eval_fn: EvalFn | None = None,
    eval_every: int = 0,
    begin: BeginFn | None = None,
    frozen: PyTree = None,
    mesh: Mesh | None = None,
    name: str = "train",
    meta: Mapping[str, Any] | None = None,
    tensorboard: bool = False,
) -> TrainState:
    """Trains a task to its last step, from where an earlier run in the same folder stopped.

    Killed at any moment and called again with the same arguments, it ends with the same parameters
    bit for bit: a checkpoint is taken before the next batch is drawn and holds the stream's position,
    and the key of a step depends on nothing but `key` and the step.

    Args:
      task: what to train.
      stream: batches of this host's examples, from the beginning; moved on if there is a checkpoint.
      workdir: gets `checkpoints/` and `metrics.jsonl`.
      steps: updates to make in all.
      log_every: steps between lines of metrics.
      save_every: steps between checkpoints.
      key: random key of the whole run.
      eval_fn: maps the state to named numbers, which are logged; it must not keep the state.
      eval_every: steps between evaluations; 0 evaluates after the last step only.
      begin: changes the very first state, for instance puts in weights of another run; shapes must stay.
      frozen: weights of earlier stages, given to every step.
      mesh: devices; None takes all of them as `data`.
      name: of the stage, for the progress bar and errors.
      meta: a JSON object to keep in every checkpoint.
      tensorboard: also write TensorBoard events.

    Returns:
      The state after the last step; its checkpoint is durable.

    Raises:
      UserError: if a metric is NaN or infinite, the disk is full, or the checkpoint does not fit.
    """
    mesh = make_mesh() if mesh is None else mesh
    init_key, step_key = jax.random.split(key)
    with jax.set_mesh(mesh), Checkpointer(Path(workdir) / "checkpoints") as checkpointer:
        state, batch = _begin(task, stream, checkpointer, init_key, mesh, begin)
        start = int(state.step)
        run_step = make_step(task, jax.tree.map(lambda leaf: leaf.sharding, state))
        frozen, window = replicate(frozen, mesh), _Window(name)
        with (
            MetricsWriter(workdir, step=start, tensorboard=tensorboard) as writer,
            Progress(steps, name, initial=start) as progress,
        ):
            for step in range(start + 1, steps + 1):
                batch = next(stream) if batch is None else batch
                state, metrics = run_step(state, shard_batch(batch, mesh), frozen, step_key)
                window.add(step, metrics)
                batch, note = None, ""
                log, save = _due(step, log_every, steps), _due(step, save_every, steps)
                if log or save:
                    window.check()
                if log:
                    values = window.close()
                    writer.write(step, values)
                    note = " ".join(f"{k.removeprefix('train/')} {v:.4g}" for k, v in values.items())
                if eval_fn is not None and _due(step, eval_every, steps):
                    writer.write(step, eval_fn(state))
                if save:
                    checkpointer.save(state, stream.get_state(), meta)
                progress.advance(note=note)
    return state
