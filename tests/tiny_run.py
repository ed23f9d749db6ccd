"""The command line called inside the test's own process, and a run of all stages at sizes that take seconds."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from absl import flags

from vis2sound_jax import main as entry
from vis2sound_jax.run import requests

CONFIG = Path(__file__).parents[1] / "configs" / "condfoley.py"
VIS_CONFIG = CONFIG.with_name("vis.py")
AUTOFOLEY_CONFIG = CONFIG.with_name("autofoley.py")

SIZES = (
    *("world.train=6", "world.test=2", "world.seconds=5.0", "data.height=40", "data.width=64"),
    *(
        "encoder.widths=(4, 8, 16)",
        "encoder.width=16",
        "encoder.dilations=(1,)",
        "encoder.clip_frames=24",
        "encoder.everyday=4",
        "encoder.everyday_frames=30",
    ),
    *("encoder.steps=2", "codebook.width=32", "codebook.blocks=1", "codebook.steps=2", "codebook.warmup_steps=2"),
    *("codebook.batch=4", "codebook.codes=16", "transformer.columns=12", "transformer.layers=1"),
    *("transformer.heads=2", "transformer.width=16", "transformer.steps=2", "evaluate.pairs=2"),
    *("events.steps=2", "events.batch=4", "events.width=8", "events.clip_frames=24"),
    *("sync.steps=2", "sync.batch=2", "sync.hidden=8", "sync.width=4"),
    *("generate.films=2", "evaluate.griffin_lim_iterations=2", "decoding.griffin_lim_iterations=2"),
    "ablations=('no_condition',)",
)

# The networks of impacts and of whole films are alike, so that they are compiled once.
_PREDICTORS = ("steps=2", "batch=2", "layers=1", "width=8", "head_width=8", "frames=15", "aligned=False")
VIS_SIZES = (
    *("world.train=4", "world.test=2", "world.seconds=3.0", "data.height=40", "data.width=64", "data.rate_hz=16000"),
    *("sound.high_hz=7000.0", "sound.bands=16", "sound.components=4", "streams.spacetime_widths=(4, 8)"),
    *("streams.colour_widths=(4, 4, 4)", "streams.places=1", "streams.width=8", "streams.blocks=0"),
    *("streams.clip_frames=12", "streams.steps=2", "synthesis.window_s=2.0", "save_every=1"),
    *(f"{section}.{size}" for section in ("prediction", "detection") for size in _PREDICTORS),
    *("evaluate.films=1", "generate.films=1"),
)

AUTOFOLEY_SIZES = (
    *("world.train=2", "world.test=1", "world.seconds=1.5", "data.height=16", "data.width=24", "data.rate_hz=8000"),
    *(
        "sound.n_fft=128",
        "sound.hop=80",
        "sound.window_s=1.0",
        "sequence.clip_s=0.5",
        "sequence.steps=2",
        "sequence.batch=2",
    ),
    *("eye.spacetime_widths=(4, 4)", "eye.colour_widths=(4, 4, 4)", "eye.width=8", "sequence.width=8", "save_every=1"),
    *("synthesis.iterations=2", "evaluate.judge_steps=2", "evaluate.films=1", "generate.films=1"),
    # One network: the other is the same code, and what takes time is to compile it.
    "stages=('prepare', 'sounds', 'sequence', 'evaluate', 'generate')",
)


class Answer(NamedTuple):
    """What a user sees of a command."""

    code: int
    out: str
    err: str


def command(workdir: Path, *arguments: str) -> list[str]:
    """The tiny run's arguments, with further ones that win."""
    sizes = [f"--config.{size}" for size in SIZES]
    return [f"--config={CONFIG}:smoke", f"--workdir={workdir}", *sizes, *arguments]


def vis_command(workdir: Path, *arguments: str) -> list[str]:
    """The same for Visually Indicated Sounds."""
    sizes = [f"--config.{size}" for size in VIS_SIZES]
    return [f"--config={VIS_CONFIG}:smoke", f"--workdir={workdir}", *sizes, *arguments]


def autofoley_command(workdir: Path, *arguments: str) -> list[str]:
    """The same for AutoFoley."""
    sizes = [f"--config.{size}" for size in AUTOFOLEY_SIZES]
    return [f"--config={AUTOFOLEY_CONFIG}:smoke", f"--workdir={workdir}", *sizes, *arguments]


def call(*arguments: str) -> Answer:
    """Does what `python -m vis2sound_jax.main ARGUMENTS` does, without the seconds of a new process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.ExitStack() as stack:
        _forget_flags()
        # grain wants flags to be parsed.
        stack.callback(flags.FLAGS.mark_as_parsed)
        stack.callback(_forget_flags)
        stack.enter_context(mock.patch.dict(os.environ))
        stack.enter_context(mock.patch.object(sys, "argv", ["vis2sound", *arguments]))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        try:
            entry.run()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Answer(code, out.getvalue(), err.getvalue())


def call_alone(*arguments: str, reads: Path | None = None) -> Answer:
    """The same in a process of its own: on one device, with all that libraries write to the terminal.

    `reads` gets which settings each stage read; see `tests.recorder`.
    """
    environment = {**os.environ, "PYTHONPATH": str(CONFIG.parents[1])}
    program = ["vis2sound_jax.main"] if reads is None else ["tests.recorder", str(reads)]
    process = [sys.executable, "-m", *program, *arguments]
    done = subprocess.run(process, env=environment, capture_output=True, text=True, timeout=600)
    return Answer(done.returncode, done.stdout, done.stderr)


def _forget_flags() -> None:
    """Flags are global; a config file adds one for each of its settings, and a system those of its jobs."""
    flags.FLAGS.unparse_flags()
    jobs = [flag.name for flag in flags.FLAGS.flags_by_module_dict().get(requests.__name__, ())]
    for name in [*jobs, *(name for name in flags.FLAGS if name.startswith("config."))]:
        delattr(flags.FLAGS, name)
