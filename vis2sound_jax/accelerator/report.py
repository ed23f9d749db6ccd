"""What was found, as `accelerator.json` and as tables in Markdown; both are written anew after every case."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from vis2sound_jax.accelerator.checks import DONE, Row
from vis2sound_jax.accelerator.device import Limits
from vis2sound_jax.whole import write_json, write_whole

# Check → its title and columns: key of a row, what stands above it, digits that tell something or "%".
_TABLES: dict[str, tuple[str, tuple[tuple[str, str, str], ...]]] = {
    "limits": (
        "What the device reaches",
        (("reached", "reached", "3"), ("unit", "unit", ""), ("published", "published", "3"), ("share", "share", "%")),
    ),
    "networks": (
        "Networks, against the CPU",
        (("outputs", "outputs differ by", "2"), ("tolerance", "at most", "2")),
    ),
    "decoder": (
        "The paper's decoder",
        (
            *(
                ("codes_s", "codes/s", "3"),
                ("bound_codes_s", "at the memory's bandwidth", "3"),
                ("share", "share", "%"),
            ),
            *(("share_of_copy", "share of a copy's rate", "%"), ("step_gb", "GB a code", "3")),
            *(("first_pass_ms", "first pass, ms", "3"), ("memory_gb", "memory, GB", "3")),
        ),
    ),
    "paper step": ("The paper's training step", ()),
    "laptop steps": ("The laptop's training steps", ()),
    "gradients": (
        "Training steps, against the CPU",
        (
            *(
                ("metrics", "metrics differ by", "2"),
                ("statistics", "statistics by", "2"),
                ("tolerance", "at most", "2"),
            ),
            *(("tolerance", "at most", "2"), ("moments", "gradients by", "2"), ("moments_tolerance", "at most", "2")),
        ),
    ),
}
_STEP = (
    *(("batch", "batch", ""), ("step_ms", "ms a step", "3"), ("samples_s", "samples/s", "3"), ("mfu", "MFU", "%")),
    *(("predicted_ms", "planned, ms", "3"), ("times_predicted", "measured over planned", "3")),
    *(("bound", "planned as bound by", ""), ("memory_gb", "memory, GB", "3"), ("compile_s", "compiled in, s", "3")),
    ("loss_off", "first loss differs by", "2"),
)


class Report:
    """Rows so far, and where they are written."""

    def __init__(self, path: Path, limits: Limits):
        """Begins a report.

        Args:
          path: of the JSON file; the tables go beside it, with the suffix `.md`.
          limits: of the device.
        """
        self._path, self._limits = path, limits
        self._rows: dict[str, list[Row]] = {}

    @property
    def tables(self) -> Path:
        """Where the Markdown is."""
        return self._path.with_suffix(".md")

    def note(self, check: str, row: Row) -> None:
        """Adds a row and writes everything.

        Args:
          check: its check.
          row: the values.
        """
        self._rows.setdefault(check, []).append(row)
        facts = self._facts()
        write_json(self._path, {**facts, "checks": self._rows})
        write_whole(self.tables, markdown(facts, self._rows))

    def _facts(self) -> dict[str, Any]:
        limits = self._limits
        facts = {
            "device": limits.device.device_kind,
            "platform": limits.device.platform,
            "jax": jax.__version__,
            "small": limits.effort.small,
            "peak_memory_gb": (limits.device.memory_stats() or {}).get("peak_bytes_in_use", 0) / 1e9,
        }
        if limits.known is None:
            return facts | {"figures": "not published here: a product and a copy were measured"}
        chip = limits.known
        return facts | {
            "figures": chip.title,
            "bf16_tflops": chip.bf16_flops / 1e12,
            "f32_tflops": chip.f32_flops / 1e12,
            "hbm_gb_s": chip.hbm_bytes_s / 1e9,
            "source": chip.source,
        }


def markdown(facts: Mapping[str, Any], checks: Mapping[str, Sequence[Row]]) -> str:
    """Writes tables as a person reads them.

    Args:
      facts: of the device and the run.
      checks: name → rows.

    Returns:
      Markdown, with a line of facts first.
    """
    lines = ["; ".join(f"{name} {_shown(value, '3')}" for name, value in facts.items()), ""]
    for name, rows in checks.items():
        title, columns = _TABLES[name]
        columns = columns or _STEP
        lines += [f"**{title}**", ""]
        lines += _table(rows, [column for column in columns if any(column[0] in row for row in rows)])
    return "\n".join(lines)


def _table(rows: Sequence[Row], columns: Sequence[tuple[str, str, str]]) -> list[str]:
    cells = [["", *(title for _, title, _ in columns), "state"], ["---"] * (len(columns) + 2)]
    cells += [[row["name"], *(_shown(row.get(key), form) for key, _, form in columns), _state(row)] for row in rows]
    return ["| " + " | ".join(line) + " |" for line in cells] + [""]


def _shown(value: Any, form: str) -> str:
    if value is None:
        return "–"
    if form == "%":
        return f"{value:.1%}"
    return f"{value:.{form}g}" if form and isinstance(value, float) else str(value)


def _state(row: Row) -> str:
    """The state of a row, and the reason where it is not done."""
    if row["status"] == DONE:
        return DONE
    reason = str(row.get("reason", "")).replace("|", "/")
    return f"**{row['status']}**" + (f": {reason}" if reason else "")
