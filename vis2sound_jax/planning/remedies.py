"""What to change when a step does not fit: the mesh, what the backward pass keeps, or how much is done at a time."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax

from vis2sound_jax.errors import UserError
from vis2sound_jax.planning.step import PlannedStep, compiled_axes, held_bytes, plan_step
from vis2sound_jax.planning.trainings import training_named

_COMPILED = 2
"""Meshes that are compiled at most, and other settings: each takes as long as the plan did."""

_PARAMETER_BYTES = 8
"""Temporary bytes a parameter, its gradient and a copy, which `fsdp` and `model` divide; the rest are activations."""


class _Candidate(NamedTuple):
    """A change, as flags and in the config, and what it may need."""

    flags: str
    config: Any
    axes: dict[str, int]
    bytes: float


def not_fitting(config: Any, stage: str, step: PlannedStep) -> UserError:
    """Says how much is missing and what would fit.

    Changes that an estimate rules out are left out; of the others the first few are compiled, smaller meshes first.

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
    for kind in (_other_meshes, _other_settings):
        hopeful = [one for one in kind(config, stage, step) if one.bytes <= step.topology.chip.hbm_bytes]
        for one in hopeful[:_COMPILED]:
            tried = plan_step(training_named(one.config, stage), step.topology, one.axes, step.batch)
            if tried.fits:
                return f"{one.flags} would fit, with {tried.needed_bytes / 1e9:.1f} GB"
    parts = step.axes["data"] * step.axes["fsdp"]
    room = step.topology.chip.hbm_bytes - step.needed_bytes + _activations(step)
    some = int(room * step.batch / parts / max(_activations(step), 1)) * parts
    smaller = f"set a smaller batch, of about {some}" if some > 0 else "a smaller network"
    return f"no mesh of it was found that fits; take a larger topology or {smaller}"


def _activations(step: PlannedStep) -> int:
    return max(0, step.temporary_bytes - _PARAMETER_BYTES * step.parameters)


def _other_meshes(config: Any, stage: str, step: PlannedStep) -> Iterator[_Candidate]:
    planned = training_named(config, stage)
    for axes in _meshes(step.topology.chips):
        if math.prod(compiled_axes(axes).values()) > jax.device_count():
            continue
        held = held_bytes(planned, axes, step.batch) + step.input_bytes
        divided = (step.temporary_bytes - _activations(step)) / (axes["fsdp"] * axes["model"])
        # A chip has as many times more examples as `model` shares out their work.
        yield _Candidate(_mesh_flags(config, axes), config, axes, held + divided + _activations(step))


def _other_settings(config: Any, stage: str, step: PlannedStep) -> Iterator[_Candidate]:
    """Settings that leave the result of training as it is."""
    planned, training = training_named(config, stage), config.training
    own = step.batch // (step.axes["data"] * step.axes["fsdp"])
    parts = (
        [2**k * training.accumulate for k in range(1, own.bit_length())] if hasattr(planned.task, "accumulate") else []
    )
    shares: list[tuple[str, Any, float]] = [("remat", "full", 0.0)]
    shares += [("accumulate", part, training.accumulate / part) for part in parts if own % part == 0]
    for name, value, share in shares:
        changed = config.copy_and_resolve_references()
        changed.training[name] = value
        if training_named(changed, stage).task != planned.task:
            least = step.needed_bytes - (1 - share) * _activations(step)
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
