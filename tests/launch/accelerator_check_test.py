"""The check of an accelerator: what is there is used, nothing is installed, and what was found is printed."""

import pytest

from tests.launch.machine import Machine

SCRIPT = "accelerator_check.sh"
# Finds the packages, and writes a report as the program does.
FOUND = "echo found >accelerator.md; echo '{}' >accelerator.json"
PYTHON = 'case "$1" in -c) exit 0 ;; esac; '


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """The environment is made, and every command has its time."""
    machine.stub("python", PYTHON + FOUND, path=machine.checkout / ".venv/bin/python")
    machine.stub("timeout", 'shift 2; exec "$@"')
    return machine


def test_the_module_is_called_within_its_time_and_the_table_is_printed(ready: Machine) -> None:
    told = ready.does(SCRIPT, "--small")
    python = str(ready.checkout / ".venv/bin/python")
    module = ["-m", "vis2sound_jax.accelerator", "--small"]
    assert ready.calls[-2:] == [["timeout", "--kill-after=10", "480", python, *module], ["python", *module]]
    assert "at most 8 minutes" in told and told.rstrip().endswith("found")


@pytest.mark.parametrize("words", [("--output=x/run.json",), ("--output", "x/run.json")])
def test_the_table_is_beside_the_named_output(ready: Machine, words: tuple[str, ...]) -> None:
    body = PYTHON + "echo elsewhere >x/run.md"
    ready.stub("python", body, path=ready.checkout / ".venv/bin/python")
    (ready.home / "x").mkdir()
    assert ready.does(SCRIPT, *words).rstrip().endswith("elsewhere")


def test_rows_that_differ_end_with_one_after_the_table(ready: Machine) -> None:
    ready.stub("python", PYTHON + FOUND + "; exit 1", path=ready.checkout / ".venv/bin/python")
    answer = ready.launch(SCRIPT)
    assert answer.returncode == 1 and answer.stdout.rstrip().endswith("found")


def test_what_was_found_until_the_end_of_the_time_is_printed(ready: Machine) -> None:
    ready.stub("timeout", 'shift 2; "$@"; exit 124')
    answer = ready.launch(SCRIPT)
    assert answer.returncode == 2 and "found" in answer.stdout
    assert "the time was over; accelerator.json has what was found until then" in answer.stderr


def test_a_mistake_is_told_by_the_program_alone(ready: Machine) -> None:
    body = PYTHON + "echo 'vis2sound: error: jax sees no accelerator here' >&2; exit 2"
    ready.stub("python", body, path=ready.checkout / ".venv/bin/python")
    assert ready.refuses(SCRIPT) == "jax sees no accelerator here"


def test_without_the_packages_it_says_how_to_install_them_and_installs_nothing(machine: Machine) -> None:
    line = machine.refuses(SCRIPT)
    assert line.startswith(
        "there is no environment with the packages; make it (VIS2SOUND_EXTRAS=cuda bash launch/install"
    )
    machine.stub("python", "exit 1", path=machine.checkout / ".venv/bin/python")
    machine.refuses(SCRIPT)
    assert [call[1] for call in machine.calls] == ["-c"]


def test_an_active_environment_is_used_where_there_is_none_beside_the_scripts(ready: Machine) -> None:
    (ready.checkout / ".venv/bin/python").unlink()
    ready.stub("python", PYTHON + FOUND, path=ready.home / "mine/bin/python")
    ready.environment["VIRTUAL_ENV"] = str(ready.home / "mine")
    assert "found" in ready.does(SCRIPT)
