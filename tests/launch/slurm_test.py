"""The batch script that a cluster is given, and when it puts itself back into the queue."""

import shlex
from pathlib import Path

import pytest

from tests.launch.machine import Machine

SCRIPT = "slurm.sh"
FLAGS = ("--nodes=2", "--gpus-per-node=4", "--config=configs/condfoley.py:paper", "--workdir=/shared/films")
ODD = ("--config.data.films=('a b', \"it's\")", "--config.x=$HOME;*")
# What srun does on every node: its own flags, then the command.
SRUN = 'while [[ "$1" == --* ]]; do shift; done; "$@"'


@pytest.fixture
def cluster(machine: Machine) -> Machine:
    for name in ("sbatch", "srun", "scontrol"):
        machine.stub(name)
    machine.stub("install", path=machine.checkout / "launch/install.sh")
    return machine


def _written(cluster: Machine, *words: str) -> Path:
    cluster.does(SCRIPT, *FLAGS, *words)
    return cluster.checkout / "runs/slurm/films.sbatch"


def test_installs_then_submits(cluster: Machine) -> None:
    script = _written(cluster, "--partition=gpu", "--time=24:00:00", "--account=films")
    assert cluster.calls == [["install"], ["sbatch", str(script)]]
    directives = {line.removeprefix("#SBATCH ") for line in script.read_text().splitlines() if "#SBATCH" in line}
    # One task a GPU, each of which sees all GPUs of its node.
    assert {"--nodes=2", "--ntasks-per-node=4", "--gpus-per-node=4", "--cpus-per-task=8"} <= directives
    assert {"--partition=gpu", "--time=24:00:00", "--account=films"} <= directives
    assert {"--requeue", "--open-mode=append", "--signal=TERM@120"} <= directives
    assert not any("gpus-per-task" in line for line in directives)


def test_every_task_runs_main(cluster: Machine) -> None:
    script = _written(cluster, "--", *ODD)
    assert cluster.bash(script, SLURM_JOB_ID="7").returncode == 0
    srun = cluster.calls[-1]
    assert srun[0] == "srun" and "--gpu-bind=none" in srun and "--kill-on-bad-exit=0" in srun
    main = ["-m", "vis2sound_jax.main", "--multihost", *FLAGS[2:], *ODD]
    assert srun[srun.index("bash") :] == ["bash", "launch/attempt.sh", ".venv/bin/python", *main]


@pytest.mark.parametrize(("status", "again"), [(0, False), (1, False), (2, False), (75, True), (137, False)])
def test_only_a_run_that_was_told_to_stop_is_queued_again(cluster: Machine, status: int, again: bool) -> None:
    script = _written(cluster)
    cluster.stub("srun", f"exit {status}")
    answer = cluster.bash(script, SLURM_JOB_ID="7")
    assert (["scontrol", "requeue", "7"] in cluster.calls) == again
    assert answer.returncode == (0 if again else status)


def test_a_queue_that_refuses_is_told_of(cluster: Machine) -> None:
    script = _written(cluster)
    cluster.stub("srun", "exit 75")
    cluster.stub("scontrol", "exit 1")
    answer = cluster.bash(script, SLURM_JOB_ID="7")
    assert answer.returncode == 75 and "submit it again with launch/slurm.sh" in answer.stderr


def test_a_stopped_run_comes_back_and_finishes(cluster: Machine) -> None:
    script = _written(cluster)
    cluster.stub("srun", SRUN)
    python = cluster.checkout / ".venv/bin/python"
    # SLURM tells the tasks; the run saves and ends with 0. The second time nobody stops it.
    cluster.stub("python", "[ -e saved ] || { : >saved; kill -TERM $PPID; sleep 0.1; }", path=python)
    for _ in range(2):
        assert cluster.bash(script, SLURM_JOB_ID="7").returncode == 0
    assert [call[0] for call in cluster.calls[2:]] == ["srun", "python", "scontrol", "srun", "python"]


def test_what_a_dry_run_prints_does_the_same_when_pasted(cluster: Machine) -> None:
    printed = cluster.does(SCRIPT, "--dry-run", *FLAGS, "--", *ODD)
    assert cluster.calls == [] and not (cluster.checkout / "runs").exists()
    script = _written(cluster, "--", *ODD)
    done, text = cluster.calls, script.read_text()
    script.unlink()
    cluster.forget()
    assert cluster.bash("-c", printed).returncode == 0
    assert cluster.calls == done and script.read_text() == text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (FLAGS[1:], "missing: --nodes; add for example --nodes=2"),
        ((*FLAGS, "--nodes=two"), "--nodes=two is not a whole number from 1; write --nodes=2"),
        ((*FLAGS, "--gpus=4"), "--gpus: there is no such flag; there are "),
        ((*FLAGS, "--time=1 day"), "--time=1 day has characters that sbatch cannot take"),
        ((*FLAGS, "--config=no.py:paper"), "--config=no.py:paper: there is no such file; write for example --config="),
    ],
)
def test_a_mistake_is_named(cluster: Machine, words: tuple[str, ...], message: str) -> None:
    assert cluster.refuses(SCRIPT, *words).startswith(message)
    assert cluster.calls == []


def test_without_slurm(machine: Machine) -> None:
    assert machine.refuses(SCRIPT, *FLAGS).startswith("there is no command sbatch; install it (it comes with SLURM")
    assert shlex.split(machine.does(SCRIPT, *FLAGS, "--dry-run").splitlines()[-1])[0] == "sbatch"
