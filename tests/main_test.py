"""The command line as a user meets it: one-line errors with exit code 2, finished stages in no time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CONFIG = """
import ml_collections

PRESETS = ("laptop", "smoke")


def get_config(preset="laptop"):
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; there are {', '.join(PRESETS)}")
    return ml_collections.ConfigDict({
        "name": "demo", "system": "tests.run.demo_system", "stages": ("prepare",), "encoder": {"width": 4},
    })
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "demo.py").write_text(CONFIG)
    return tmp_path


def _main(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "vis2sound_jax.main", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--config is missing; say which, for example --config=configs/condfoley.py"),
        (
            ["--config=demo.py", "--workdir=gs://bucket/run"],
            "--workdir=gs://bucket/run: a run needs a folder on a disk, one that all hosts see; checkpoints alone may "
            "lie in a bucket: --config.training.checkpoints=gs://bucket/run",
        ),
        (
            ["--config=viss:smoke"],
            "viss: there is no such config file; give a file such as configs/condfoley.py; did you mean 'vis'?",
        ),
        (
            ["--config=demo.py:smok"],
            "unknown preset 'smok'; there are laptop, smoke; did you mean 'smoke'?",
        ),
        (
            ["--config=demo.py", "--config.encodr.width=3"],
            "--config.encodr.width=3: the config has no 'encodr'; did you mean 'encoder'?",
        ),
        (
            ["--config", "demo.py:smoke", "--config.encoder.breadth=3"],
            "--config.encoder.breadth=3: the config has no 'breadth'; did you mean 'width'?",
        ),
        (
            ["--config=demo.py", "--config.encoder.width=wide"],
            "flag --config.encoder.width=wide: invalid literal for int() with base 10: 'wide'",
        ),
        (["--config=demo.py", "--job=prepar"], "--job=prepar: there is no such job; did you mean 'prepare'?"),
        (
            ["--config=demo.py", "--job=onsets", "--topology=v5e-4"],
            "--topology goes with --job=plan, and --job=onsets does nothing with it; add one of these or leave it out",
        ),
        (
            ["--config=demo.py", "--job=onsets", "--vido=a.mp4"],
            "Unknown command line flag 'vido'. Did you mean: video ?",
        ),
        (
            ["--config=demo.py", "--video=a.mp4"],
            "--video goes with --job=onsets, and all stages together do nothing with it; "
            "add one of these or leave it out",
        ),
        (
            ["--config=demo.py", "smoke"],
            "'smoke' is not understood; every argument is a flag such as --workdir=DIR",
        ),
    ],
)
def test_mistakes_get_one_line_and_exit_code_2(folder: Path, arguments: list[str], message: str) -> None:
    result = _main(folder, *arguments)
    assert (result.returncode, result.stderr) == (2, f"vis2sound: error: {message}\n")
    assert [path.name for path in folder.iterdir()] == ["demo.py"]


@pytest.mark.parametrize("words", ["--config=vis:smoke", "-config configs/vis.py:smoke", "--config=vis.py:smoke"])
def test_a_shipped_config_is_found_from_any_folder(folder: Path, words: str) -> None:
    (folder / "run").mkdir()
    (folder / "run" / "config.json").write_text(json.dumps({"name": "another"}))
    result = _main(folder, *words.split(), "--workdir=run", "--config.world.train=4")
    said = "run: it holds a run of another, not of vis_smoke; choose another --workdir"
    assert (result.returncode, result.stderr) == (2, f"vis2sound: error: {said}\n")


def test_help_of_a_shipped_config_lists_its_stages(folder: Path) -> None:
    result = _main(folder, "--config=condfoley", "--help")
    assert result.returncode == 0 and "trains the network that composes codes" in result.stdout


def test_finished_run_imports_nothing_heavy(folder: Path) -> None:
    stages = folder / "runs/demo/stages"
    stages.mkdir(parents=True)
    (stages.parent / "config.json").write_text(json.dumps({"name": "demo"}))
    mark = {"finished": True, "settings": {}, "summary": {"films": 31}}
    (stages / "prepare.json").write_text(json.dumps(mark))
    program = (
        "import sys; sys.argv[1:] = ['--config=demo.py']\n"
        "import atexit, vis2sound_jax.main as entry\n"
        "heavy = {'jax', 'numpy', 'tensorflow_datasets', 'matplotlib'}\n"
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules))))\n"
        "entry.run()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert result.stdout.splitlines() == [
        "prepare: finished (films 31)",
        "vis2sound: prepare finished; everything is in runs/demo",
        "[]",
    ]
    assert result.returncode == 0, result.stderr


def test_jobs_failures_are_explained(folder: Path) -> None:
    program = (
        "import sys, types\n"
        "job = types.ModuleType('job'); sys.modules['tests.run.nowhere'] = job\n"
        "def run(config, workdir): {failure}\n"
        "job.run = run; sys.argv[1:] = ['--config=demo.py']\n"
        "import vis2sound_jax.main as entry; entry.run()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for failure, code, line in [
        ("raise KeyboardInterrupt", 130, "interrupted; run the same command again to continue"),
        (
            "raise MemoryError",
            2,
            "error: the memory is full; close other programs, or make the batch or the model smaller",
        ),
        (
            "open('/dev/full', 'w').write('x' * 100000)",
            2,
            "error: No space left on device; free some space and run the same command again",
        ),
    ]:
        result = subprocess.run(
            [sys.executable, "-c", program.format(failure=failure)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert (result.returncode, result.stderr.splitlines()[-1]) == (code, f"vis2sound: {line}")
        assert "Traceback" not in result.stderr
