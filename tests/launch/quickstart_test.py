"""From nothing to a film with sound, or to a run: packages are installed once, with tools that macOS has as well."""

import sys

import pytest

from tests.launch.machine import ROOT, Machine

SCRIPT = "quickstart.sh"
SOURCES = ("setup.cfg", "setup.py", "pyproject.toml")
# A Python of an environment; only the digest of what was installed is really computed.
PYTHON = f'case "$1" in -V) echo Python 3 ;; -c) exec {sys.executable} "$@" ;; esac'
BROKEN = f'case "$*" in -V) echo Python 3 ;; *--job=generate*) exit 2 ;; -c*) exec {sys.executable} "$@" ;; esac'
DRAWN = ["--video=runs/quickstart/film.mp4", "--example=runs/quickstart/example.wav"]
GENERATE = ["--job=generate", *DRAWN, "--output=runs/quickstart/film_sound.mp4"]


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """The environment is made, and nothing is installed in it."""
    machine.stub("python", PYTHON, path=machine.checkout / ".venv/bin/python")
    for name in SOURCES:
        (machine.checkout / name).write_text((ROOT / name).read_text())
    return machine


def _config(machine: Machine) -> str:
    return f"--config={machine.checkout / 'configs/condfoley.py'}"


def _ran(machine: Machine) -> list[list[str]]:
    """Modules that were run, with their arguments."""
    calls = [call[2:] for call in machine.calls if call[:2] == ["python", "-m"]]
    machine.forget()
    return [call for call in calls if call != ["pip", "--version"]]


def _asked(machine: Machine) -> list[list[str]]:
    """What was asked of the program, without what was installed."""
    return [call[1:] for call in _ran(machine) if call[0] == "vis2sound_jax.main"]


def test_the_first_command_installs_draws_a_film_and_makes_it_sound(ready: Machine) -> None:
    said = ready.does(SCRIPT)
    installed, *rest = _ran(ready)
    assert installed[:2] == ["pip", "install"]
    config = _config(ready)
    assert rest == [
        ["vis2sound_jax.main", config, "--job=draw", "--output=runs/quickstart"],
        ["vis2sound_jax.main", config, *GENERATE],
    ]
    lines = said.splitlines()
    steps = [line for line in lines if "/3 " in line]
    assert [line.split()[1] for line in steps] == ["1/3", "2/3", "3/3"]
    assert "drawn by a program" in steps[1]
    script = ready.checkout / "launch" / SCRIPT
    assert lines[-2:] == [
        f"  your own film:   bash {script} --video=FILM --example=SOUND",
        f"  training:        bash {script} train",
    ]


def test_a_film_that_is_drawn_is_not_drawn_again(ready: Machine) -> None:
    folder = ready.home / "runs" / "quickstart"
    folder.mkdir(parents=True)
    (folder / "film.mp4").touch()
    ready.does(SCRIPT)
    assert [call[1] for call in _asked(ready)] == ["--job=draw", "--job=generate"]
    (folder / "example.wav").touch()
    ready.does(SCRIPT, "--takes=2")
    assert _ran(ready) == [["vis2sound_jax.main", _config(ready), *GENERATE, "--takes=2"]]


@pytest.mark.parametrize(
    "words",
    [
        ("--video", "my film.mp4", "--example", "a sound.wav"),
        ("--video=my film.mp4", "--example=a sound.wav", "--takes=2"),
        ("--takes", "2", "--example=a.wav", "--video=film.mp4", "--workdir=runs/mine"),
    ],
)
def test_a_film_of_the_user_takes_its_place(ready: Machine, words: tuple[str, ...]) -> None:
    said = ready.does(SCRIPT, *words)
    assert _asked(ready) == [[_config(ready), "--job=generate", *words]]
    assert "1/2 " in said and "2/2 " in said and "drawn" not in said


def test_another_system_may_take_no_example(ready: Machine) -> None:
    ready.does(SCRIPT, "--config=vis", "--video=film.mp4")
    assert _asked(ready) == [["--job=generate", "--config=vis", "--video=film.mp4"]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--video=film.mp4",), "--video without --example; add --example=SOUND, a film or sound file that it is to"),
        (("--example", "a.wav"), "--example without --video; add --video=FILM, or leave both out"),
        (("--config=vis:smoke",), "--config without --video is not understood; to train, write: bash "),
    ],
)
def test_what_is_missing_is_told_before_anything_is_installed(
    ready: Machine, words: tuple[str, ...], message: str
) -> None:
    assert ready.refuses(SCRIPT, *words).startswith(message)
    assert _ran(ready) == []


def test_the_old_way_to_train_is_told_the_new_one(ready: Machine) -> None:
    assert ready.refuses(SCRIPT, "--config=vis:smoke").endswith("quickstart.sh train --config=vis:smoke")


def test_a_step_that_fails_ends_it(ready: Machine) -> None:
    ready.stub("python", BROKEN, path=ready.checkout / ".venv/bin/python")
    assert ready.refuses(SCRIPT) == "this step failed; see above, then run the same command again"


def test_packages_are_installed_before_the_first_run_alone(ready: Machine) -> None:
    ready.does(SCRIPT, "train", "--workdir=run")
    installed, run = _ran(ready)
    assert installed[:2] == ["pip", "install"]
    assert installed[-2:] == ["--editable", str(ready.checkout)]
    assert installed[installed.index("--constraint") + 1] == str(ready.checkout / "launch/constraints.txt")
    assert run == ["vis2sound_jax.main", _config(ready), "--workdir=run"]
    ready.does(SCRIPT, "train")
    assert _ran(ready) == [["vis2sound_jax.main", _config(ready)]]


@pytest.mark.parametrize("name", SOURCES)
def test_what_changes_is_installed_again(ready: Machine, name: str) -> None:
    ready.does(SCRIPT)
    _ran(ready)
    (ready.checkout / name).write_text((ROOT / name).read_text() + "\n")
    ready.does(SCRIPT)
    assert [call[:2] for call in _ran(ready)][0] == ["pip", "install"]


@pytest.mark.parametrize("words", [("--config=vis:smoke",), ("--workdir=run", "--config", "vis"), ("-config=vis",)])
def test_a_config_that_is_given_is_the_only_one(ready: Machine, words: tuple[str, ...]) -> None:
    ready.does(SCRIPT, "train", *words)
    assert _ran(ready)[-1] == ["vis2sound_jax.main", *words]
