"""Laws of the training loop: resume equals a straight run, sharded equals single, NaN stops."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from tests.training import tiny
from vis2sound_jax.errors import Stopped, UserError
from vis2sound_jax.training.checkpoint import digest, load_meta, load_params
from vis2sound_jax.training.sharding import make_mesh
from vis2sound_jax.training.task import PyTree, TrainState

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainState]:
    """Fourteen undisturbed steps."""
    workdir = tmp_path_factory.mktemp("straight")
    return workdir, tiny.run(str(workdir), 14)


def _lines(workdir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def _assert_close(ours: PyTree, theirs: PyTree) -> None:
    """Equal but for the order in which devices add, after 14 steps."""
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), *jax.device_get((ours, theirs)))


def test_resumed_run_equals_straight_run(tmp_path: Path, straight: tuple[Path, TrainState]) -> None:
    workdir, wanted = straight
    tiny.run(str(tmp_path), 6)
    resumed = tiny.run(str(tmp_path), 14)
    assert int(resumed.step) == 14
    assert digest(resumed) == digest(wanted)
    assert digest(load_params(tmp_path / "checkpoints")) == digest(wanted.params)
    assert [line["step"] for line in _lines(workdir)] == [5, 10, 14]


def test_finished_run_does_nothing(straight: tuple[Path, TrainState]) -> None:
    workdir, wanted = straight
    before = (workdir / "metrics.jsonl").read_bytes()
    assert digest(tiny.run(str(workdir), 14)) == digest(wanted)
    assert (workdir / "metrics.jsonl").read_bytes() == before


def test_sharded_run_equals_single_device(tmp_path: Path, straight: tuple[Path, TrainState]) -> None:
    sharded = tiny.run(str(tmp_path), 14, mesh=make_mesh({"data": 4, "model": 2}))
    _assert_close(sharded.params, straight[1].params)


def test_checkpoint_moves_to_another_mesh(tmp_path: Path, straight: tuple[Path, TrainState]) -> None:
    tiny.run(str(tmp_path), 8, mesh=make_mesh({"data": 4, "fsdp": 2}))
    moved = tiny.run(str(tmp_path), 14)
    assert len(moved.step.sharding.device_set) == 1
    _assert_close(moved.params, straight[1].params)


def test_metrics_hold_means_rate_and_evaluation(tmp_path: Path) -> None:
    tiny.run(str(tmp_path), 10, eval_every=4, eval_fn=lambda state: {"test/step": float(state.step)})
    lines = _lines(tmp_path)
    assert [line["test/step"] for line in lines if "test/step" in line] == [4.0, 8.0, 10.0]
    logged = [line for line in lines if "train/loss" in line]
    assert [line["step"] for line in logged] == [5, 10]
    assert logged[0]["train/steps_per_s"] > 0
    assert all(0 <= line["train/data_wait_share"] <= 1 for line in logged)


class StopAt(tiny.CountingStream):
    """Sends SIGTERM to its own process with a batch."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.stop = index

    def __next__(self) -> Any:
        if self.index + 1 == self.stop:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().__next__()


def test_sigterm_saves_and_stops_and_the_next_run_goes_on(tmp_path: Path, straight: tuple[Path, TrainState]) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped, match="^train: stopped after step 7 of 14, which is saved$"):
        tiny.run(str(tmp_path), 14, stream=StopAt(7))
    assert signal.getsignal(signal.SIGTERM) is handler
    assert load_meta(tmp_path / "checkpoints")["step"] == 7
    assert digest(tiny.run(str(tmp_path), 14)) == digest(straight[1])


def test_sigterm_at_the_last_step_changes_nothing(tmp_path: Path, straight: tuple[Path, TrainState]) -> None:
    assert digest(tiny.run(str(tmp_path), 14, stream=StopAt(14))) == digest(straight[1])


def test_the_best_checkpoint_is_kept_apart(tmp_path: Path) -> None:
    def evaluate(state: TrainState) -> dict[str, float]:
        return {"held_out/loss": abs(int(state.step) - 6.0)}

    tiny.run(str(tmp_path), 8, eval_every=3, eval_fn=evaluate, best="held_out/loss")
    tiny.run(str(tmp_path), 14, eval_every=3, eval_fn=evaluate, best="held_out/loss")
    assert load_meta(tmp_path / "best") == {"held_out/loss": 0.0, "step": 6}
    tiny.run(str(tmp_path / "straight"), 6, eval_every=3, eval_fn=evaluate)
    assert digest(load_params(tmp_path / "best")) == digest(load_params(tmp_path / "straight/checkpoints"))
    with pytest.raises(UserError, match="config.training.best is 'loss', but the evaluation measures held_out/loss"):
        tiny.run(str(tmp_path / "wrong"), 3, eval_fn=evaluate, best="loss")


def test_a_trace_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    tiny.run(str(tmp_path), 6, profile=(3, 4))
    assert list((tmp_path / "profile").rglob("*.xplane.pb"))


def test_a_run_that_resumes_within_or_after_a_trace_goes_on(tmp_path: Path) -> None:
    for steps in (4, 8, 12):
        tiny.run(str(tmp_path), steps, profile=(3, 6))
    assert load_meta(tmp_path / "checkpoints")["step"] == 12


def test_nan_names_the_step_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^codebook: loss is nan at step 7; .*lower the learning rate"):
        tiny.run(str(tmp_path), 14, task=tiny.TinyTask(poison_step=7), name="codebook")
    tiny.run(str(tmp_path / "clean"), 4)
    assert digest(load_params(tmp_path / "checkpoints")) == digest(load_params(tmp_path / "clean/checkpoints"))


def test_checkpoint_of_another_width_is_refused(tmp_path: Path) -> None:
    tiny.run(str(tmp_path), 4)
    with pytest.raises(UserError, match=r"does not fit the config: params/layer/bias is \(3,\) there and \(5,\)"):
        tiny.run(str(tmp_path), 8, task=tiny.TinyTask(width=5))


# A file may take so many bytes: enough for the metrics, too little for a checkpoint.
_FULL = """
import resource, signal, sys
from absl import logging
from tests.training import tiny
from vis2sound_jax.errors import UserError
logging.set_verbosity(logging.FATAL)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    tiny.run(sys.argv[1], 8)
except UserError as error:
    print(error)
"""


def test_full_disk_is_told_and_the_previous_checkpoint_survives(tmp_path: Path) -> None:
    wanted = tiny.run(str(tmp_path), 4)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    program = [sys.executable, "-c", _FULL, str(tmp_path)]
    stopped = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=120)
    assert "disk is full" in stopped.stdout and "free some space and run the same command again" in stopped.stdout
    assert digest(load_params(tmp_path / "checkpoints")) == digest(wanted.params)
    assert digest(tiny.run(str(tmp_path), 14)) == digest(tiny.run(str(tmp_path / "straight"), 14))


def _start(workdir: Path, steps: int) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "tests.training.tiny", str(workdir), str(steps)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def test_killed_runs_end_with_the_same_bits(tmp_path: Path) -> None:
    steps, rng = 60, random.Random(0)
    wanted = tiny.run(str(tmp_path / "straight"), steps, save_every=0)
    workdir = tmp_path / "killed"
    for step in range(2, 52, 5):
        process = _start(workdir, steps)
        # Kill while the checkpoint of about this step is being written, finished or cleaned up.
        while process.poll() is None and not list((workdir / "checkpoints").glob(f"{step}*")):
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.05))
        assert process.poll() is None, "the run ended before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert load_meta(workdir / "checkpoints")["step"] >= step - 1
    process = _start(workdir, steps)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert printed.strip() == digest((wanted.params, wanted.opt_state, wanted.variables))
