"""From nothing to a run: packages are installed once, with ordinary tools that macOS has as well."""

import sys

import pytest

from tests.launch.machine import ROOT, Machine

SCRIPT = "quickstart.sh"
SOURCES = ("setup.cfg", "setup.py", "pyproject.toml")
# A Python of an environment; only the digest of what was installed is really computed.
PYTHON = f'case "$1" in -V) echo Python 3 ;; -c) exec {sys.executable} "$@" ;; esac'


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """The environment is made, and nothing is installed in it."""
    machine.stub("python", PYTHON, path=machine.checkout / ".venv/bin/python")
    for name in SOURCES:
        (machine.checkout / name).write_text((ROOT / name).read_text())
    return machine


def _ran(machine: Machine) -> list[list[str]]:
    """Modules that were run, with their arguments."""
    calls = [call[2:] for call in machine.calls if call[:2] == ["python", "-m"]]
    machine.forget()
    return [call for call in calls if call != ["pip", "--version"]]


def test_packages_are_installed_before_the_first_run_alone(ready: Machine) -> None:
    ready.does(SCRIPT, "--workdir=run")
    installed, run = _ran(ready)
    assert installed[:2] == ["pip", "install"]
    assert installed[-2:] == ["--editable", str(ready.checkout)]
    assert installed[installed.index("--constraint") + 1] == str(ready.checkout / "launch/constraints.txt")
    config = ready.checkout / "configs/condfoley.py"
    assert run == ["vis2sound_jax.main", f"--config={config}", "--workdir=run"]
    ready.does(SCRIPT)
    assert _ran(ready) == [["vis2sound_jax.main", f"--config={config}"]]


@pytest.mark.parametrize("name", SOURCES)
def test_what_changes_is_installed_again(ready: Machine, name: str) -> None:
    ready.does(SCRIPT)
    _ran(ready)
    (ready.checkout / name).write_text((ROOT / name).read_text() + "\n")
    ready.does(SCRIPT)
    assert [call[:2] for call in _ran(ready)][0] == ["pip", "install"]


@pytest.mark.parametrize("words", [("--config=vis:smoke",), ("--workdir=run", "--config", "vis"), ("-config=vis",)])
def test_a_config_that_is_given_is_the_only_one(ready: Machine, words: tuple[str, ...]) -> None:
    ready.does(SCRIPT, *words)
    assert _ran(ready)[-1] == ["vis2sound_jax.main", *words]
