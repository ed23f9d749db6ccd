"""Several processes on this machine: they train as one does, end together, and go on in any number."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.run import hosts

ROOT = Path(__file__).parents[2]
STEPS, DEVICES = 40, 4
Process = subprocess.Popen[str]


def _port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])


def _start(workdir: Path, of: int, *arguments: str) -> list[Process]:
    """Starts the processes of one run, which have four devices together."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    environment["JAX_NUM_CPU_DEVICES"] = str(DEVICES // of)
    command = [sys.executable, "-m", "tests.run.together", str(workdir), str(STEPS), f"--of={of}", f"--port={_port()}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return [
        subprocess.Popen([*command, f"--index={index}", *arguments], cwd=ROOT, env=environment, **pipes)
        for index in range(of)
    ]


def _end(processes: list[Process], timeout_s: float = 120) -> list[tuple[int, str, str]]:
    found = []
    for process in processes:
        out, err = process.communicate(timeout=timeout_s)
        found.append((process.returncode, out, err))
    return found


def _final(workdir: Path, processes: list[Process]) -> dict[str, np.ndarray]:
    """What a run that ends well has trained."""
    answers = _end(processes)
    assert [code for code, _, _ in answers] == [0] * len(answers), answers
    with np.load(workdir / "final.npz") as found:
        return dict(found)


def _assert_same(ours: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    """Equal but for the order in which processes add."""
    for name, array in wanted.items():
        np.testing.assert_allclose(ours[name], array, rtol=1e-5, atol=1e-7)


def _wait_for(workdir: Path, step: int, processes: list[Process]) -> None:
    ready = time.monotonic() + 120
    while not any(
        int(found.name) >= step for found in (workdir / "checkpoints").glob("[0-9]*") if found.name.isdigit()
    ):
        assert time.monotonic() < ready and all(process.poll() is None for process in processes), _end(processes)
        time.sleep(0.05)


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What one process ends with."""
    workdir = tmp_path_factory.mktemp("one")
    return _final(workdir, _start(workdir, 1))


def test_two_processes_train_as_one_does(tmp_path: Path, wanted: dict[str, np.ndarray]) -> None:
    _assert_same(_final(tmp_path, _start(tmp_path, 2)), wanted)


def test_a_killed_process_ends_the_other_and_any_number_resumes(tmp_path: Path, wanted: dict[str, np.ndarray]) -> None:
    slow = "--seconds=0.03"
    two = _start(tmp_path, 2, slow)
    _wait_for(tmp_path, 10, two)
    two[1].send_signal(signal.SIGKILL)
    killed_s = time.monotonic()
    (code, _, err), _ = _end(two)
    assert code != 0 and time.monotonic() - killed_s < 60
    assert re.search(r"stopped sending heartbeats\):\s+1\s", err), err
    four = _start(tmp_path, 4, slow)
    _wait_for(tmp_path, 25, four)
    for process in four:
        process.send_signal(signal.SIGKILL)
    _end(four)
    _assert_same(_final(tmp_path, _start(tmp_path, 1)), wanted)


def test_a_stop_is_shared_and_saved(tmp_path: Path, wanted: dict[str, np.ndarray]) -> None:
    two = _start(tmp_path, 2, "--seconds=0.03")
    _wait_for(tmp_path, 5, two)
    two[1].send_signal(signal.SIGTERM)
    for code, out, err in _end(two):
        assert code == 0, err
        assert re.search(r"stopped after step \d+ of 40, which is saved; resume by running again", out)
    _assert_same(_final(tmp_path, _start(tmp_path, 1)), wanted)


@pytest.mark.parametrize("broken", [0, 1])
def test_a_failure_is_told_by_all(tmp_path: Path, broken: int) -> None:
    ended = _end(_start(tmp_path, 2, "--fail_at=7", f"--fails={broken}"))
    assert [code for code, _, _ in ended] == [2, 2], ended
    assert "vis2sound: error: this example is broken; mend it" in ended[broken][2]
    assert f"vis2sound: error: process {broken} failed: this example is broken; mend it" in ended[1 - broken][2]


def test_one_process_waits_for_nobody() -> None:
    hosts.wait("nobody")
    assert hosts.first_alone("job", lambda: {"done": 1}) == {"done": 1}
    with hosts.first_then_others("place"):
        assert hosts.is_first()
    hosts.fail("nothing ends", 1)
