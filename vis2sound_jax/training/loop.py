"""The one training loop: every task, any mesh, any number of processes, exact resume."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
from flax import linen as nn
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import PRNGKeyArray

from vis2sound_jax.errors import Stopped
from vis2sound_jax.training.bookkeeping import Best, Plan, Window, profiled
from vis2sound_jax.training.checkpoint import Checkpointer
from vis2sound_jax.training.preemption import Preemption
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.training.sharding import make_mesh, place, replicate, shard_batch, shard_by_rules
from vis2sound_jax.training.tables import ACTIVATIONS
from vis2sound_jax.training.task import Metrics, PyTree, Stream, Task, TrainState
from vis2sound_jax.training.writer import MetricsWriter

Batch = Mapping[str, Any]
EvalFn = Callable[[TrainState], Mapping[str, float]]
BeginFn = Callable[[TrainState], TrainState]
StepFn = Callable[[TrainState, Batch, PyTree, PRNGKeyArray], tuple[TrainState, Metrics]]


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


def abstract_state(task: Task, key: PRNGKeyArray, batch: Batch, mesh: Mesh) -> TrainState:
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


def train(
    task: Task,
    stream: Stream,
    plan: Plan,
    *,
    workdir: str | os.PathLike[str],
    key: PRNGKeyArray,
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
        frozen, window, best = replicate(frozen, mesh), Window(name), Best(workdir / "best", plan.best)
        with (
            MetricsWriter(workdir, step=start, tensorboard=plan.tensorboard) as writer,
            Progress(plan.steps, name, initial=start, shown=jax.process_index() == 0) as progress,
            Preemption() as preemption,
        ):
            for step in range(start + 1, plan.steps + 1):
                batch = window.draw(stream) if batch is None else batch
                with profiled(workdir, step, plan, start + 1):
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
