"""A small part of `python -m tests.faults`: one job that is killed and run where things are odd; and its own laws."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.faults import looks, places
from tests.faults.commands import CLOCK, SYSTEMS, Ended, environment, is_one_line, run, scratch
from tests.faults.kills import Bench, job_arguments
from vis2sound_jax.audio.files import write_wav


@pytest.fixture(scope="module")
def setting() -> Iterator[places.Setting]:
    """`--job=draw`, which needs no run and no network."""
    with scratch() as place:
        bench = Bench(place, place / "compiled", kills=1, seed=0)
        yield places.setting_of(bench, SYSTEMS["condfoley"], None)


def test_a_full_disk_is_one_line_and_leaves_nothing(setting: places.Setting) -> None:
    tried = places.full_disk(setting, "draw")
    assert (tried.right, tried.faults) == (1, ())


def test_a_killed_job_leaves_nothing_cut_off_and_is_done_again(setting: places.Setting) -> None:
    place = setting.bench.place
    straight, out = place / "straight", place / "killed"
    out.mkdir()
    killed = run(setting.arguments("draw", out), setting.around(), place, kill=(1.5, signal.SIGKILL))
    assert killed.code in (0, -signal.SIGKILL) and not looks.cut_off(out, straight)
    looks.age(out)
    assert run(setting.arguments("draw", out), setting.around(), place).code == 0
    assert looks.digests(out) == looks.digests(straight) and not looks.temporaries(out)


def test_a_user_without_name_and_home_gets_the_same(setting: places.Setting) -> None:
    tried = places.unknown_user(setting, "draw")
    if tried.skipped:
        pytest.skip(tried.skipped)
    assert (tried.right, tried.faults) == (1, ())


def test_the_clock_jumps(tmp_path: Path) -> None:
    around = environment(tmp_path, PYTHONPATH=str(CLOCK))
    program = ["python", "-c", "import time; print(*[time.time() for _ in range(9)])"]
    printed = subprocess.run(program, env=around, capture_output=True, text=True, check=True).stdout
    times = np.array([float(word) for word in printed.split()])
    assert np.abs(np.diff(times)).max() > 3600 and np.abs(times - time.time()).max() < 90_000


def test_looks_find_what_is_cut_off_and_pass_over_clocks(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, seconds in ((one, 3.0), (two, 4.0)):
        (folder / "stages").mkdir(parents=True)
        (folder / "a.json").write_text(json.dumps({"seconds": seconds, "place": f"{folder}/x", "n": 1}))
        (folder / "lock").write_text(str(seconds))
        write_wav(folder / "a.wav", np.zeros(100, np.float32), 8000)
    assert looks.digests(one) == looks.digests(two) and not looks.cut_off(two, one)
    (two / "a.json").write_text('{"n": ')
    (two / "a.wav").write_bytes((one / "a.wav").read_bytes()[:-20])
    (two / ".a.mp4.12.part").touch()
    assert {line.partition(":")[0] for line in looks.cut_off(two, one)} == {"a.json", "a.wav"}
    looks.age(two)
    assert looks.temporaries(two) == [".a.mp4.12.part"]
    assert time.time() - os.stat(two / ".a.mp4.12.part").st_mtime > 3600


def test_only_a_refusal_is_one_line() -> None:
    assert is_one_line(Ended(2, "", "vis2sound: error: a: b; c\n", 0.0))
    for code, err in ((1, "vis2sound: error: a"), (2, ""), (2, "x\nvis2sound: error: a"), (2, "Traceback")):
        assert not is_one_line(Ended(code, "", err, 0.0))


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_stage_and_job_is_tried_and_files_stand_where_they_are_named(name: str, tmp_path: Path) -> None:
    from vis2sound_jax.run.command_line import load_config
    from vis2sound_jax.run.stage import listed

    system = SYSTEMS[name]
    known = listed(load_config(f"configs/{system.config}.py:smoke"))
    asked = {"amt"} | ({"convert"} if name == "vis" else set())
    trained = {stage for stage, one in known.items() if one.module.partition(":")[0] and stage in system.stages}
    assert trained == set(system.stages)
    assert set(known) - set(system.stages) - asked - {"no_augmentation", "vocoder"} == set(system.jobs) - {"generate"}
    files = {word: f"/{word.lower()}" for word in ("FILMS", "FILM", "SOUND", "WEIGHTS")}
    for job in system.jobs:
        arguments = job_arguments(system, job, tmp_path, files, Path("/out"))
        assert f"--job={job}" in arguments and not any("=FILM" in one or "=OUT" in one for one in arguments)
