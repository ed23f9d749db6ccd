"""Plans training on accelerators that are not there: `--job=plan --topology=v5e-16`.

The step is compiled for virtual devices, nothing is run, and neither data nor a workdir is needed.
"""

import contextlib
import math
from pathlib import Path
from typing import Any

import jax

from vis2sound_jax.errors import UserError
from vis2sound_jax.planning import text as plan_text
from vis2sound_jax.planning.chips import Topology, topology
from vis2sound_jax.planning.remedies import not_fitting
from vis2sound_jax.planning.step import PlannedStep, compiled_axes, plan_step
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.run.outputs import check_output
from vis2sound_jax.run.owned import check_document
from vis2sound_jax.run.training import Training
from vis2sound_jax.training.sharding import resolve_axes
from vis2sound_jax.whole import write_json

_KEYS = ("stage", "plans")
_DEVICES = 256
"""Virtual devices: enough for other meshes too, which are tried where a step does not fit."""


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Prints what a training step would need and how long it would take.

    With `config.request.scale_batch` the batch of the config is one chip's, otherwise that of all chips together. A
    batch that the mesh does not divide is planned with the next larger one that it does, and the plan says so.

    Args:
      config: the settings; `config.request` holds topology (one or several, with commas), stage and output (a .json
        file, or nothing).
      workdir: not used.

    Returns:
      The stage, and the predicted step of every topology.

    Raises:
      UserError: if a topology is unknown, or the step does not fit one: then it says what would.
    """
    request, stage = config.request, config.request.stage
    names = [name for name in request.topology.split(",") if name.strip()]
    if not names:
        raise UserError("--job=plan needs --topology=NAME, such as v5e-16, or several with commas between them")
    if request.output:
        check_output(Path(request.output), (".json",))
        check_document(Path(request.output), _KEYS, overwrite=request.overwrite)
    topologies, training = [topology(name) for name in names], training_named(_anywhere(config), stage)
    _open_devices(max(math.prod(compiled_axes(resolve_axes(config.mesh, one.chips)).values()) for one in topologies))
    steps = []
    for one in topologies:
        steps.append(_plan(config, training, one))
        if len(topologies) == 1:
            print(plan_text.block(steps[0]))
    if len(topologies) > 1:
        print(plan_text.table(steps))
    print(plan_text.rules(), flush=True)
    if request.output:
        records = {"stage": stage, "plans": [plan_text.record(step) for step in steps]}
        write_json(request.output, records)
    for step in steps:
        if not step.fits:
            raise not_fitting(config, stage, step)
    return {"stage": stage, **{step.topology.name: f"{1e3 * step.prediction.step_s:.3g} ms a step" for step in steps}}


def _anywhere(config: Any) -> Any:
    """The settings with attention that is compiled for any device: the products are the same."""
    config = config.copy_and_resolve_references()
    config.training.attention = "own"
    return config


def _open_devices(least: int) -> None:
    """Makes virtual CPU devices, unless jax was told before how many to make or is already in use."""
    if jax.config.values["jax_num_cpu_devices"] < 0:
        with contextlib.suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", max(least, _DEVICES))
            jax.config.update("jax_platforms", "cpu")
    if jax.device_count() < least:
        raise UserError(
            f"--job=plan needs {least} virtual devices, and jax has {jax.device_count()}; "
            "unset JAX_NUM_CPU_DEVICES, or name a smaller --topology"
        )


def _plan(config: Any, training: Training, one: Topology) -> PlannedStep:
    batch, axes = training.batch, resolve_axes(config.mesh, one.chips)
    if math.prod(axes.values()) < one.chips:
        raise UserError(f"--topology={one.name}: mesh {axes} leaves chips out; --config.mesh.data=-1 takes all")
    batch *= one.chips if config.request.scale_batch else 1
    parts = axes["data"] * axes["fsdp"]
    divided = -(-batch // parts) * parts
    if divided != batch:
        print(
            f"{one.name}: a batch of {batch} cannot be divided over {parts} chips; planned with {divided}, which could "
            "be trained"
        )
    return plan_step(training, one, axes, divided)
