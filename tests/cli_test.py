"""The program `vis2sound`: every form of a command says the right thing to main; a slip gets one line and code 2."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vis2sound_jax import cli
from vis2sound_jax.errors import UserError

ROOT = Path(__file__).parents[1]
PROGRAM = """
import os, sys
sys.argv[0] = "vis2sound"
from vis2sound_jax import cli, main
main.run = lambda: print(os.environ.get("GLIBC_TUNABLES"), sys.argv[1:], "jax" in sys.modules)
cli.main()
"""


def _run(folder: Path, *words: str, program: str = PROGRAM, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    environment |= {"PYTHONPATH": str(ROOT), **settings}
    command = [sys.executable, "-c", program, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("train", "--config=condfoley"),
        ("train vis:smoke", "--config=vis:smoke"),
        ("train --workdir runs/a configs/vis.py:smoke", "--config=configs/vis.py:smoke --workdir runs/a"),
        ("train --config=vis --config.world.train=8", "--config=vis --config.world.train=8"),
        ("train --multihost vis", "--config=vis --multihost"),
        ("evaluate", "--job=evaluate --config=condfoley"),
        (
            "generate a.mp4 --example b.wav --output=c --takes 2 --seed=1 --start 2.5",
            "--job=generate --config=condfoley --video=a.mp4 --example b.wav --output=c --takes 2 --seed=1 --start 2.5",
        ),
        (
            "generate --example b.wav a.mp4 --config vis:smoke --synthesis exemplar",
            "--job=generate --video=a.mp4 --example b.wav --config vis:smoke --synthesis exemplar",
        ),
        ("generate --video a.mp4", "--job=generate --config=condfoley --video a.mp4"),
        ("onsets a.mp4 --output e.csv", "--job=onsets --config=condfoley --video=a.mp4 --output e.csv"),
        ("sheet films --examples -1", "--job=sheet --config=condfoley --films=films --examples -1"),
        ("convert w.pt --kind vqgan", "--job=convert --config=condfoley --source=w.pt --kind vqgan"),
        (
            "plan --noscale_batch --topology v5e-4",
            "--job=plan --config=condfoley --noscale_batch --topology v5e-4",
        ),
    ],
)
def test_what_main_hears(words: str, arguments: str) -> None:
    assert cli.translate(words.split()) == arguments.split()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("genrate a.mp4", "vis2sound genrate: there is no such job; did you mean 'generate'?"),
        ("trian", "vis2sound trian: there is no such job; did you mean 'train'?"),
        ("--workdir=a train", "vis2sound --workdir=a: the first word is a job, such as generate or train; see vis2so"),
        ("generate a b", "vis2sound generate: 'b' is one word too many; it takes one video and flags"),
        ("generate a --video=b", "vis2sound generate: 'a' and --video say the same; leave one out"),
        ("train vis --config condfoley", "vis2sound train: 'vis' and --config say the same; leave one out"),
        ("evaluate --job=amt", "vis2sound evaluate: the first word is the job already; leave --job out"),
        ("evaluate a", "vis2sound evaluate: 'a' is not understood; this job takes flags alone, see --help"),
        ("plan --scale_batch a", "vis2sound plan: 'a' is not understood"),
        ("generate a --config=viss", "viss: there is no such config file; .*; did you mean 'vis'?"),
        ("generate a --config=vis:smoek", "unknown preset 'smoek'; .*; did you mean 'smoke'?"),
    ],
)
def test_a_slip_is_named(words: str, message: str) -> None:
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        cli.translate(words.split())


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (
            "",
            ["vis2sound generate FILM --example SOUND", "lists the events", "--workdir "],
        ),
        ("--help", ["vis2sound train [CONFIG[:PRESET]]", "--config ", "--config=vis        Visually Indicated Sounds"]),
        ("--help --config=vis", ["jobs of --config=vis", "watches all recordings once"]),
        ("generate --help", ["vis2sound generate film.mp4 --example=sound.wav --output=out.mp4", "--takes  "]),
        ("generate --config=vis -h", ["--synthesis  ", "one of exemplar, parametric"]),
        ("train --help", ["vis2sound train vis:smoke", "default: condfoley"]),
        ("plan -help", ["vis2sound plan --topology=v5e-4,v5e-16"]),
    ],
)
def test_help_shows_the_words_that_this_program_takes(
    words: str, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.translate(words.split())
    said = capsys.readouterr().out
    assert ended.value.code == 0 and all(line in said for line in lines)
    assert "vis2sound_jax.main" not in said and "--job" not in said


def test_the_process_begins_anew_with_the_same_words_and_no_jax(tmp_path: Path) -> None:
    result = _run(tmp_path, "generate", "a b.mp4", "--output", "c.mp4")
    words = ["--job=generate", "--config=condfoley", "--video=a b.mp4", "--output", "c.mp4"]
    pages = "glibc.malloc.hugetlb=1" if sys.platform == "linux" else None
    assert (result.stderr, result.stdout) == ("", f"{pages} {words} False\n")


def test_a_slip_ends_with_one_line_and_exit_code_2(tmp_path: Path) -> None:
    result = _run(tmp_path, "genrate", GLIBC_TUNABLES="")
    line = "vis2sound: error: vis2sound genrate: there is no such job; did you mean 'generate'?\n"
    assert (result.returncode, result.stdout, result.stderr) == (2, "", line)


def test_what_was_said_reaches_main(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "condfoley_smoke"
    (run / "stages").mkdir(parents=True)
    (run / "config.json").write_text(json.dumps({"name": "another"}))
    result = _run(tmp_path, "train", "condfoley:smoke", program="from vis2sound_jax import cli; cli.main()")
    line = "runs/condfoley_smoke: it holds a run of another, not of condfoley_smoke; choose another --workdir"
    assert (result.returncode, result.stderr) == (2, f"vis2sound: error: {line}\n")
