"""The command line: settings and flags that are not there name the nearest, and a run has a folder."""

from pathlib import Path

import pytest
from ml_collections import ConfigDict

from vis2sound_jax.errors import UserError
from vis2sound_jax.run import command_line

CONFIG = """
from ml_collections import ConfigDict
PRESETS = ("laptop", "smoke")
def get_config(preset="laptop"):
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}")
    return ConfigDict({"name": preset, "system": "tests.run.demo_system", "stages": ("prepare",), "data": {}})
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "demo.py").write_text(CONFIG)
    return tmp_path / "demo.py"


def test_a_config_is_loaded_with_its_preset_or_the_default(path: Path) -> None:
    assert command_line.load_config(str(path)).name == "laptop"
    assert command_line.load_config(f"{path}:smoke").name == "smoke"


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        (None, "--config is missing; say which, for example --config=configs/condfoley.py"),
        ("nowhere.py", "nowhere.py: there is no such config file; give a file such as"),
        ("{}:smoek", "unknown preset 'smoek'; did you mean 'smoke'?"),
    ],
)
def test_configs_that_are_not_there(path: Path, argument: str | None, problem: str) -> None:
    with pytest.raises(UserError) as caught:
        command_line.load_config(argument and argument.format(path))
    assert problem in str(caught.value)


def test_help_is_printed_and_ends_the_program(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["--help"], "usage: python -m vis2sound_jax.main"),
        ([f"--config={path}", "--help"], "prepare   prepares"),
        (["--config", str(path), "--job=onsets", "-h"], "--takes"),
    ):
        with pytest.raises(SystemExit) as ended:
            command_line.parse(["vis2sound", *arguments])
        assert ended.value.code == 0 and words in capsys.readouterr().out
    with pytest.raises(UserError, match="--job=onset: there is no such job; did you mean 'onsets'?"):
        command_line.parse(["vis2sound", f"--config={path}", "--job=onset", "--help"])


def test_a_run_has_the_folder_that_is_given_or_that_of_its_name() -> None:
    config = ConfigDict({"name": "demo"})
    assert command_line.workdir_of(None, config) == Path("runs/demo")
    assert command_line.workdir_of("elsewhere", config) == Path("elsewhere")
    assert command_line.workdir_of("\u00e9 $_$ \U0001f941", config) == Path("\u00e9 $_$ \U0001f941")
    with pytest.raises(UserError, match="its name is no UTF-8 text; choose another --workdir"):
        command_line.workdir_of("\udce9", config)
    with pytest.raises(UserError, match="--workdir=gs://bucket/run: a run needs a folder on a disk"):
        command_line.workdir_of("gs://bucket/run", config)


def test_flags_that_do_not_go_together_are_refused() -> None:
    command_line.check_hosts(False, None, None, None)
    command_line.check_hosts(True, None, None, None)
    command_line.check_hosts(True, "localhost:1", 2, 1)
    with pytest.raises(UserError, match="go together, and with --multihost; give all four"):
        command_line.check_hosts(True, "localhost:1", 2, None)
    with pytest.raises(UserError, match="go together"):
        command_line.check_hosts(False, "localhost:1", 2, 1)
    with pytest.raises(UserError, match="--process_id=2: the 2 processes are counted from 0 to 1"):
        command_line.check_hosts(True, "localhost:1", 2, 2)
