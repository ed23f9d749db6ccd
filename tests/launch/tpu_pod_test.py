"""A TPU slice: which commands are given in which order, and which never."""

import shlex
import tarfile

import pytest

from tests.launch.machine import ROOT, Machine

SCRIPT = "tpu_pod.sh"
SLICE = ("--name=pod", "--zone=us-west4-a")
MAKE = ("--type=v5litepod-16", "--version=v2-alpha-tpuv5-lite")
RUN = ("--config=configs/condfoley.py:paper", "--workdir=gs://bucket/run")
ODD = ("--config.data.films=('a b', \"it's\")", "--config.x=$HOME;*")
ALL = (*SLICE, *MAKE, "--repo=https://example.org/films.git", *RUN)

NONE = "if [ \"$4\" = describe ]; then printf 'ERROR: NOT_FOUND: no such node\\n- more\\n' >&2; exit 1; fi"
LOGS = 'for word; do case "$word" in --output-directory=*) echo hello >"${word#*=}/0.log" ;; esac; done'


def _there(kind: str = "v5litepod-16", state: str = "READY") -> str:
    return f"if [ \"$4\" = describe ]; then printf '{kind}\\t{state}\\n'; fi"


def _verbs(machine: Machine) -> list[str]:
    assert all(call[:4] == ["gcloud", "compute", "tpus", "tpu-vm"] for call in machine.calls)
    return [call[4] for call in machine.calls]


def _command(call: list[str]) -> str:
    (command,) = [word.removeprefix("--command=") for word in call if word.startswith("--command=")]
    assert "--worker=all" in call
    return command


def test_all_makes_installs_runs_and_fetches_logs(machine: Machine) -> None:
    machine.stub("gcloud", f"{NONE}\n{LOGS}")
    machine.does(SCRIPT, "all", *ALL, "--spot", "--project=films", "--setup=sudo mount 'x y'", "--", *ODD)
    assert _verbs(machine) == ["describe", "create", "ssh", "ssh", "ssh", "ssh"]
    assert all({"pod", "--zone=us-west4-a", "--project=films"} <= set(call) for call in machine.calls)
    _, create, setup, install, start, _ = machine.calls
    assert {"--accelerator-type=v5litepod-16", "--version=v2-alpha-tpuv5-lite", "--spot"} <= set(create)
    assert _command(setup) == "sudo mount 'x y'"
    assert "VIS2SOUND_EXTRAS=tpu bash vis2sound_jax/launch/worker.sh install" in _command(install)
    expected = ["bash", "vis2sound_jax/launch/worker.sh", "start", "--multihost", *RUN, *ODD]
    assert shlex.split(_command(start)) == expected
    assert (machine.home / "runs/logs/pod/0.log").read_text() == "hello\n"


@pytest.mark.parametrize("task", ["create", "install", "run", "logs", "stop", "resume", "delete", "all"])
def test_what_a_dry_run_prints_does_the_same_when_pasted(machine: Machine, task: str) -> None:
    words = (*ALL, "--yes", "--", *ODD)
    printed = machine.does(SCRIPT, task, "--dry-run", *words)
    assert machine.calls == [], "there was no gcloud, and none was needed"
    machine.stub("gcloud", NONE)
    machine.does(SCRIPT, task, *words)
    done = machine.calls
    machine.forget()
    machine.bash("-c", printed)
    assert done and machine.calls == done


def test_a_slice_that_is_there_is_used(machine: Machine) -> None:
    machine.stub("gcloud", _there())
    assert "using pod in us-west4-a" in machine.does(SCRIPT, "create", *SLICE, *MAKE)
    assert _verbs(machine) == ["describe"]


def test_a_slice_that_was_taken_away_is_made_again(machine: Machine) -> None:
    machine.stub("gcloud", _there(state="PREEMPTED"))
    machine.does(SCRIPT, "create", *SLICE, *MAKE)
    assert _verbs(machine) == ["describe", "delete", "create"]


@pytest.mark.parametrize(
    ("gcloud", "message"),
    [
        (
            _there("v5litepod-8"),
            "pod in us-west4-a is a v5litepod-8, not a v5litepod-16; give --type=v5litepod-8 or another --name, "
            "or delete it first",
        ),
        (_there(state="REPAIRING"), "pod in us-west4-a is REPAIRING, not READY; wait until it is, or delete it first"),
        ("echo 'ERROR: PERMISSION_DENIED' >&2; exit 1", "gcloud could not look for pod: ERROR: PERMISSION_DENIED"),
    ],
)
def test_a_slice_that_does_not_fit_is_left_alone(machine: Machine, gcloud: str, message: str) -> None:
    machine.stub("gcloud", gcloud)
    assert machine.refuses(SCRIPT, "all", *ALL) == message
    assert _verbs(machine) == ["describe"]


def test_to_resume_is_to_run_again(machine: Machine) -> None:
    machine.stub("gcloud")
    for task in ("run", "resume"):
        machine.does(SCRIPT, task, *SLICE, *RUN, "--", *ODD)
    first, second = machine.calls
    assert first == second


def test_delete_asks(machine: Machine) -> None:
    machine.stub("gcloud")
    for says in ("n\n", "\n", ""):
        assert machine.refuses(SCRIPT, "delete", *SLICE, says=says) == "nothing was deleted; answer y or add --yes"
    assert machine.calls == []
    machine.does(SCRIPT, "delete", *SLICE, says="y\n")
    machine.does(SCRIPT, "delete", *SLICE, "--yes")
    assert _verbs(machine) == ["delete", "delete"]


def test_a_tarball_is_copied_to_all_workers(machine: Machine) -> None:
    machine.stub("gcloud")
    with tarfile.open(machine.home / "films.tar.gz", "w:gz") as archive:
        archive.add(ROOT / "launch", "vis2sound_jax/launch")
    machine.does(SCRIPT, "install", *SLICE, "--repo=films.tar.gz")
    scp, ssh = machine.calls
    assert scp[4:] == ["scp", "films.tar.gz", "pod:vis2sound_jax.tar.gz", "--worker=all", "--zone=us-west4-a"]
    assert "tar -xzf vis2sound_jax.tar.gz" in _command(ssh)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "'' is not a task; there are create, install, run, logs, stop, resume, delete, all"),
        (("logs",), "missing: --name --zone; add for example --name=vis2sound --zone=us-west4-a"),
        (("logs", "--nme=pod"), "--nme: there is no such flag; there are --name --zone"),
        (("logs", "--name"), "--name has no value; write --name=vis2sound"),
        (("logs", "--spot=yes"), "--spot takes no value; write --spot alone"),
        (("logs", "pod"), "'pod' is not understood; flags look like --name=NAME"),
        (("install", *SLICE, "--repo=no.tgz"), "no.tgz: there is no such file; make it with git archive --prefix"),
    ],
)
def test_a_mistake_is_named(machine: Machine, words: tuple[str, ...], message: str) -> None:
    machine.stub("gcloud")
    assert machine.refuses(SCRIPT, *words).startswith(message)
    assert machine.calls == []


def test_without_gcloud(machine: Machine) -> None:
    assert machine.refuses(SCRIPT, "logs", *SLICE).startswith("there is no command gcloud; install it (https://")
