"""Plans as a person reads them: one as a block, several as a table."""

from collections.abc import Sequence
from typing import Any

from vis2sound_jax.planning.collectives import Collective, group_axes, totals
from vis2sound_jax.planning.roofline import RULES
from vis2sound_jax.planning.step import MOST_DATA, PlannedStep

_COLUMNS = (
    *("topology", "mesh", "batch", "TFLOP a chip", "GB a chip", "of GB", "sent GB a chip"),
    *("compute ms", "memory ms", "communication ms", "step ms", "samples/s", "bound by"),
)

_COMPILED_FOR = (
    f"memory and collectives are those of the program as compiled for virtual CPU devices, at most {MOST_DATA} along "
    "data: estimates, since an accelerator's compiler fuses other operations and under fsdp scatters sums of gradients "
    "that this program leaves whole"
)


def block(step: PlannedStep) -> str:
    """Writes one plan.

    Args:
      step: what is known of it.

    Returns:
      Lines of text.
    """
    topology, time, chip = step.topology, step.prediction, step.topology.chip
    half = step.work.half_flops / max(step.work.flops, 1.0)
    lines = {
        "chips": f"{topology.chips} × {chip.title} on {topology.hosts} host{'s' if topology.hosts > 1 else ''}",
        "mesh": f"{_mesh(step.axes)}; a batch of {step.batch}",
        "parameters": f"{step.parameters / 1e6:.1f} M",
        "calculation": (
            f"{step.work.flops / 1e12:.3g} TFLOP a chip, {half:.0%} of it in bfloat16; {_size(step.work.bytes)} moved"
        ),
        "memory": (
            f"{_size(step.needed_bytes)} of {_size(chip.hbm_bytes)} a chip: state {_size(step.state_bytes)}, "
            f"batch {_size(step.input_bytes)}, temporary {_size(step.temporary_bytes)}"
        ),
        "collectives": "; ".join(_collectives(step)) or "none",
        "time": (
            f"compute {_ms(time.compute_s)}, memory {_ms(time.memory_s)}, communication {_ms(time.communication_s)} "
            f"of which {_ms(time.exposed_s)} exposed"
        ),
        "step": f"{_ms(time.step_s)}, {_rate(step)} samples/s; bound by {time.bound}",
        "source": chip.source,
    }
    return "\n".join(f"{name:<13}{value}" for name, value in lines.items())


def table(steps: Sequence[PlannedStep]) -> str:
    """Writes several plans as a Markdown table, and from which on communication takes longest.

    Args:
      steps: what is known of each.

    Returns:
      Lines of text.
    """
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS), *(_row(step) for step in steps)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    bound = [step.topology.name for step in steps if step.prediction.bound == "communication"]
    lines.append(f"communication-bound: {', '.join(bound) if bound else 'none of these'}")
    lines.append(f"parameters: {steps[0].parameters / 1e6:.1f} M")
    lines += sorted({f"source: {step.topology.chip.source}" for step in steps})
    return "\n".join(lines)


def rules() -> str:
    """Writes what the numbers rest on."""
    return "\n".join(f"* {rule}" for rule in (*RULES, _COMPILED_FOR))


def record(step: PlannedStep) -> dict[str, Any]:
    """Makes a JSON object of a plan; times in seconds, bytes of one chip."""
    return {
        "topology": step.topology.name,
        "chip": step.topology.chip.title,
        "source": step.topology.chip.source,
        "chips": step.topology.chips,
        "mesh": step.axes,
        "batch": step.batch,
        "parameters": step.parameters,
        "flops": step.work.flops,
        "moved_bytes": step.work.bytes,
        "state_bytes": step.state_bytes,
        "input_bytes": step.input_bytes,
        "temporary_bytes": step.temporary_bytes,
        "hbm_bytes": step.topology.chip.hbm_bytes,
        "fits": step.fits,
        "collectives": {
            kind: {"count": count, "bytes": size} for kind, (count, size) in totals(step.collectives).items()
        },
        **step.prediction._asdict(),
        "bound": step.prediction.bound,
    }


def _collectives(step: PlannedStep) -> list[str]:
    """What is sent each step, by kind and by the axes of the mesh that it goes along."""
    along: dict[tuple[str, ...], list[Collective]] = {}
    for one in step.collectives:
        along.setdefault(group_axes(one.group, step.axes), []).append(one)
    return [
        f"{count} {kind} of {_size(size)} over {' and '.join(axes)}"
        for axes, found in along.items()
        for kind, (count, size) in totals(found).items()
    ]


def _row(step: PlannedStep) -> tuple[str, ...]:
    time = step.prediction
    sent = sum(one.sent_bytes for one in step.collectives)
    seconds = (time.compute_s, time.memory_s, time.communication_s, time.step_s)
    return (
        step.topology.name,
        _mesh(step.axes),
        str(step.batch),
        f"{step.work.flops / 1e12:.3g}",
        _gb(step.needed_bytes),
        _gb(step.topology.chip.hbm_bytes),
        _gb(sent),
        *(f"{1e3 * value:.3g}" for value in seconds),
        _rate(step),
        time.bound if step.fits else "does not fit",
    )


def _mesh(axes: dict[str, int]) -> str:
    """The axes that divide anything."""
    divided = [f"{name} {size}" for name, size in axes.items() if size > 1]
    return " × ".join(divided) or "one chip"


def _gb(size: float) -> str:
    return f"{size / 1e9:.3g}"


def _size(size: float) -> str:
    scale, unit = next((pair for pair in ((1e9, "GB"), (1e6, "MB")) if size >= pair[0]), (1e3, "kB"))
    return f"{size / scale:.3g} {unit}"


def _rate(step: PlannedStep) -> str:
    rate = step.batch / step.prediction.step_s
    return f"{rate:.0f}" if rate >= 100 else f"{rate:.3g}"


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"
