"""The manifest of a run in Kubernetes."""

from typing import Any

import pytest

from tests.launch.machine import Machine

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

SCRIPT = "gke/submit.sh"
FLAGS = ("--name=films", "--image=example/films:1", "--topology=4x4", "--config=configs/condfoley.py:paper")
SHARED = ("--workdir=/data/run", "--claim=disk")
ODD = ("--config.data.films=('a b', \"it's\")", "--config.x=$HOME;* & \\")


def _applied(machine: Machine, *words: str) -> dict[str, Any]:
    machine.stub("kubectl", "cat >applied")
    machine.does(SCRIPT, *FLAGS, *words)
    return yaml.safe_load((machine.home / "applied").read_text())


def _job(manifest: dict[str, Any]) -> dict[str, Any]:
    (replicated,) = manifest["spec"]["replicatedJobs"]
    assert replicated["replicas"] == 1, "one slice"
    return replicated["template"]["spec"]


@pytest.mark.parametrize(
    ("topology", "workers", "chips"), [("1x1", 1, 1), ("2x2", 1, 4), ("2x4", 2, 4), ("4x4", 4, 4), ("16x16", 64, 4)]
)
def test_as_many_workers_as_the_topology_has_machines(
    machine: Machine, topology: str, workers: int, chips: int
) -> None:
    job = _job(_applied(machine, *SHARED, f"--topology={topology}"))
    pod = job["template"]["spec"]
    assert job["parallelism"] == job["completions"] == workers and job["completionMode"] == "Indexed"
    assert pod["nodeSelector"]["cloud.google.com/gke-tpu-topology"] == topology
    resources = pod["containers"][0]["resources"]
    assert resources["requests"] == resources["limits"] == {"google.com/tpu": chips}


def test_every_word_arrives_as_it_was(machine: Machine) -> None:
    manifest = _applied(machine, *SHARED, "--", *ODD)
    (container,) = _job(manifest)["template"]["spec"]["containers"]
    main = ["-m", "vis2sound_jax.main", "--multihost", FLAGS[3], SHARED[0], *ODD]
    assert container["command"] == ["bash", "launch/attempt.sh", ".venv/bin/python", *main]
    assert container["image"] == "example/films:1"
    assert manifest["metadata"]["name"] == manifest["spec"]["network"]["subdomain"] == "films"
    assert "__" not in (machine.home / "applied").read_text()


def test_all_workers_share_the_volume(machine: Machine) -> None:
    pod = _job(_applied(machine, *SHARED))["template"]["spec"]
    volumes = {volume.pop("name"): volume for volume in pod["volumes"]}
    assert volumes["data"] == {"persistentVolumeClaim": {"claimName": "disk"}}
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts == {"data": "/data", "memory": "/dev/shm"}


def test_a_run_is_started_again_unless_the_user_was_mistaken(machine: Machine) -> None:
    manifest = _applied(machine, *SHARED)
    policy = manifest["spec"]["failurePolicy"]
    assert policy["maxRestarts"] > 0 and policy["rules"][0]["action"] == "FailJobSet"
    job = _job(manifest)
    (rule,) = job["podFailurePolicy"]["rules"]
    assert rule["action"] == "FailJob" and rule["onExitCodes"]["values"] == [2]
    assert rule["onExitCodes"]["containerName"] == job["template"]["spec"]["containers"][0]["name"]
    # Kubernetes takes a podFailurePolicy with these two only.
    assert job["backoffLimit"] == 0 and job["template"]["spec"]["restartPolicy"] == "Never"


def test_what_a_dry_run_prints_does_the_same_when_pasted(machine: Machine) -> None:
    printed = machine.does(SCRIPT, "--dry-run", *FLAGS, *SHARED, "--", *ODD)
    assert machine.calls == []
    applied = _applied(machine, *SHARED, "--", *ODD)
    done = machine.calls
    machine.forget()
    assert machine.bash("-c", printed).returncode == 0
    assert machine.calls == done and yaml.safe_load((machine.home / "applied").read_text()) == applied


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (FLAGS, "missing: --workdir; add for example --workdir=/data/run"),
        ((*FLAGS, *SHARED, "--topology=4x3"), "--topology=4x3: v5e has 1x1, 2x2, 2x4, 4x4, "),
        ((*FLAGS, *SHARED, "--name=Films"), "--name=Films: it must be at most 40 small letters"),
        ((*FLAGS, "--workdir=/data/run"), "--workdir=/data/run would be another disk on every worker; add --claim="),
        ((*FLAGS, "--workdir=/tmp/run", "--claim=disk"), "--workdir=/tmp/run is not on the volume; write for example"),
    ],
)
def test_a_mistake_is_named(machine: Machine, words: tuple[str, ...], message: str) -> None:
    machine.stub("kubectl")
    assert machine.refuses(SCRIPT, *words).startswith(message)
    assert machine.calls == []


def test_without_kubectl(machine: Machine) -> None:
    assert machine.refuses(SCRIPT, *FLAGS, *SHARED).startswith("there is no command kubectl; install it (https://")
