"""Training steps: how fast, which share of the peak, and what `--job=plan` had predicted."""

import functools
import time
from typing import Any, NamedTuple

import jax

from vis2sound_jax.accelerator.checks import DIFFERS, DONE, Case
from vis2sound_jax.accelerator.device import Limits
from vis2sound_jax.accelerator.drawn import drawn_batch, drawn_like, preset
from vis2sound_jax.accelerator.timing import check_size, seconds_of
from vis2sound_jax.planning.chips import Chip
from vis2sound_jax.planning.step import products, time_alone
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.planning.work import Work
from vis2sound_jax.run.training import Training
from vis2sound_jax.training.loop import abstract_state, make_step
from vis2sound_jax.training.sharding import make_mesh, shard_batch

LOSS_TOLERANCE = {"float32": 1e-3, "bfloat16": 1e-2}
"""Most that the first loss may be off that of float32 with its own attention, as a share of it, by type."""

_ONE = {"data": 1, "fsdp": 1, "model": 1}


class Step(NamedTuple):
    """A training step of Conditional Foley.

    Attributes:
      preset: whose.
      stage: what is trained.
      dtype: of the transformer's products.
      attention: see `Transformer`.
    """

    preset: str
    stage: str
    dtype: str = "float32"
    attention: str = "own"


def paper_cases(limits: Limits) -> list[Case]:
    """Lists the paper's step in both types and with every attention, the most telling ones first.

    Args:
      limits: of the device.
    """
    name = "paper_smoke" if limits.effort.small else "paper"
    ways = (
        *(("float32", "own"), ("bfloat16", "own"), ("bfloat16", "cudnn")),
        *(("bfloat16", "xla"), ("float32", "xla"), ("float32", "cudnn")),
    )
    losses: dict[str, float] = {}
    return [
        Case(
            f"{dtype}, attention {attention}",
            functools.partial(measured, Step(name, "transformer", dtype, attention), limits, losses),
            optional=attention == "cudnn",
        )
        for dtype, attention in ways
    ]


def laptop_cases(limits: Limits) -> list[Case]:
    """Lists the steps of the laptop's encoder and transformer.

    Args:
      limits: of the device.
    """
    name = "smoke" if limits.effort.small else "laptop"
    return [
        Case(f"laptop's {stage}", functools.partial(measured, Step(name, stage), limits, {}))
        for stage in ("encoder", "transformer")
    ]


def measured(step: Step, limits: Limits, losses: dict[str, float]) -> dict[str, Any]:
    """Compiles a step as training does, runs it, and puts the prediction beside it.

    Args:
      step: which.
      limits: of the device.
      losses: gets the first loss of float32 with its own attention, to which the others are compared.

    Returns:
      The values of a row.
    """
    training = _training(step)
    row, seconds = _run(training, limits)
    chip, size = limits.chip, training.batch
    plain = products(_training(step._replace(attention="own"), remat="none"), size)
    told = time_alone(_training(step._replace(attention="own")), chip, size)
    row |= {"batch": size, "step_ms": 1e3 * seconds, "samples_s": size / seconds, "tflop": plain.flops / 1e12}
    row |= {"mfu": peak_seconds(plain, chip) / seconds, "predicted_ms": 1e3 * told.step_s, "bound": told.bound}
    row["times_predicted"] = seconds / told.step_s
    return row | _loss_verdict(row["loss"], step, losses)


def peak_seconds(work: Work, chip: Chip) -> float:
    """Computes how long products take at the peak of their types; over the time of a step, this is its MFU.

    Args:
      work: the products, without those that are computed again to save memory.
      chip: the device.
    """
    return work.half_flops / chip.bf16_flops + work.full_flops / chip.f32_flops


def _training(step: Step, **computed: str) -> Training:
    config = preset("condfoley", step.preset)
    config.transformer.dtype, config.training.attention = step.dtype, step.attention
    config.training.update(computed)
    return training_named(config, step.stage)


def _run(training: Training, limits: Limits) -> tuple[dict[str, Any], float]:
    """What the program says of itself, the loss of its first step, and seconds of a step."""
    mesh, key, task = make_mesh(_ONE), jax.random.key(0), training.task
    with jax.set_mesh(mesh):
        batch = shard_batch(drawn_batch(training, training.batch), mesh)
        abstract = abstract_state(task, key, batch, mesh)
        places = jax.tree.map(lambda leaf: leaf.sharding, abstract)
        step: Any = make_step(task, places)
        begin = time.perf_counter()
        program = step.lower(abstract, batch, None, key).compile()
        row = {"compile_s": time.perf_counter() - begin, "memory_gb": check_size(program) / 1e9}
        state, metrics = program(jax.device_put(drawn_like(abstract), places), batch, None, key)
        row["loss"] = metrics.means()["loss"]
        held = [state]
        del state

        def call() -> Any:
            held[0], metrics = program(held[0], batch, None, key)
            return metrics

        return row, seconds_of(call, limits.effort)


def _loss_verdict(loss: float, step: Step, losses: dict[str, float]) -> dict[str, Any]:
    if (step.dtype, step.attention) == ("float32", "own"):
        losses["own"] = loss
    if "own" not in losses:
        return {}
    off = abs(loss - losses["own"]) / abs(losses["own"])
    return {"status": DONE if off <= LOSS_TOLERANCE[step.dtype] else DIFFERS, "loss_off": off}
