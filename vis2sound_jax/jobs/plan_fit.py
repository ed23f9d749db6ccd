"""What to change when a step does not fit: the mesh, what the backward pass keeps, or how much is done at a time."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax

from vis2sound_jax.errors import UserError
from vis2sound_jax.jobs.plan_step import PlannedStep, compiled_axes, held_bytes, plan_step
from vis2sound_jax.jobs.stage_tasks import stage_task

_COMPILED = 3
"""Candidates that are compiled at most: each takes as long as the plan did."""


class _Candidate(NamedTuple):
    """A change, as flags and in the config, and what it would need at least."""

    flags: str
    config: Any
    axes: dict[str, int]
    least_bytes: float


def not_fitting(config: Any, stage: str, step: PlannedStep) -> UserError:
    """Says how much is missing and what would fit.

    Changes that cannot be enough are left out; of the others the first few are compiled.

    Args:
      config: the settings.
      stage: the one planned.
      step: the plan that does not fit.

    Returns:
      An error to raise.
    """
    chip = step.topology.chip
    return UserError(
        f"--topology={step.topology.name}: a step of {stage} with a batch of {step.batch} on mesh {step.axes} needs "
        f"{step.needed_bytes / 1e9:.1f} GB a chip, and a {chip.title} has {chip.hbm_bytes / 1e9:.1f} GB; "
        f"{_remedy(config, stage, step)}"
    )


def _remedy(config: Any, stage: str, step: PlannedStep) -> str:
    hopeful = [one for one in _candidates(config, stage, step) if one.least_bytes <= step.topology.chip.hbm_bytes]
    for one in hopeful[:_COMPILED]:
        tried = plan_step(stage_task(one.config, stage), step.topology, one.axes, step.batch)
        if tried.fits:
            return f"{one.flags} would fit, with {tried.needed_bytes / 1e9:.1f} GB"
    return "no mesh of it was found that fits; take a larger topology or set a smaller batch"


def _candidates(config: Any, stage: str, step: PlannedStep) -> Iterator[_Candidate]:
    """Changes that leave the result of training as it is, the least intrusive first."""
    gradients = 4 * step.parameters
    rest = max(0, step.temporary_bytes - gradients)
    planned = stage_task(config, stage)
    for axes in _meshes(step.topology.chips):
        if math.prod(compiled_axes(axes).values()) > jax.device_count():
            continue
        held = held_bytes(planned, axes, step.batch) + step.input_bytes
        # With fewer parts the examples of a chip are more, as many times as `model` shares out their work.
        least = held + rest + gradients / (axes["fsdp"] * axes["model"])
        yield _Candidate(_mesh_flags(config, axes), config, axes, least)
    for name, value, share in _settings(config, step, parted=hasattr(planned.task, "accumulate")):
        changed = config.copy_and_resolve_references()
        changed.training[name] = value
        least = step.state_bytes + step.input_bytes + rest * share
        yield _Candidate(f"--config.training.{name}={value}", changed, step.axes, least)


def _meshes(chips: int) -> Iterator[dict[str, int]]:
    """Meshes that keep less of the state on a chip: first by `fsdp` alone, then by `model` too."""
    parts = 2
    while parts <= chips:
        yield {"data": chips // parts, "fsdp": parts, "model": 1}
        parts *= 2
    parts = 2
    while parts <= chips:
        yield {"data": 1, "fsdp": chips // parts, "model": parts}
        parts *= 2


def _mesh_flags(config: Any, axes: dict[str, int]) -> str:
    wanted = {"data": -1, "fsdp": axes["fsdp"], "model": axes["model"]}
    return " ".join(f"--config.mesh.{name}={size}" for name, size in wanted.items() if config.mesh[name] != size)


def _settings(config: Any, step: PlannedStep, *, parted: bool) -> Iterator[tuple[str, Any, float]]:
    """Setting, value, and the share of activations that is left at least."""
    if config.training.remat != "full":
        yield "remat", "full", 0.0
    own = step.batch // (step.axes["data"] * step.axes["fsdp"])
    parts = 2 * config.training.accumulate
    while parted and parts <= own:
        if own % parts == 0:
            yield "accumulate", parts, config.training.accumulate / parts
        parts *= 2
