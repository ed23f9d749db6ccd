"""The layout of Countix-AV, in which nobody annotated anything, from the clips to films with sound."""

import json
import shutil
from pathlib import Path

from tests.tiny_run import call_alone, command
from vis2sound_jax.prepare.builders import load_builder_module


def read_json(path: Path) -> dict:
    return json.loads(path.read_text())


def test_clips_of_countix_av_are_prepared_evaluated_and_given_sound(tiny_run: Path, tmp_path: Path) -> None:
    """In that layout, which has other names and no annotations; the weights are those of the other run."""
    clips = load_builder_module("countix_av").read_clips()
    sources = sorted((tiny_run / "data/recordings").glob("*.mp4"))
    (tmp_path / "clips/some class").mkdir(parents=True)
    ids = [[name for name, facts in clips[split].items() if facts["condfoley"]] for split in ("train", "val", "test")]
    for name, source in zip([*ids[0][:5], ids[1][0], *ids[2][:2]], sources, strict=True):
        shutil.copy(source, tmp_path / "clips/some class" / f"{name}.mp4")
    shutil.copytree(
        tiny_run, tmp_path / "run", ignore=shutil.ignore_patterns("data", "stages", "cache", "evaluate", "gen*")
    )
    data = {"recordings": tmp_path / "clips", "builder": "countix_av", "split": "condfoley", "max_bad_share": 1.0}
    settings = [*(f"--config.data.{name}={value}" for name, value in data.items()), "--config.prepare.workers=0"]
    answer = call_alone(*command(tmp_path / "run", *settings, "--config.stages=('prepare', 'evaluate', 'generate')"))
    assert answer.code == 0, answer.err
    metrics = read_json(tmp_path / "run/evaluate/metrics.json")
    assert metrics["condfoley"]["events"] == 0 and metrics["condfoley"]["items"] == 2
    films = sorted(path.stem for path in (tmp_path / "run/generate").glob("*.mp4"))
    assert films == [f"{k:02d}_{ids[2][k]}_like_{ids[2][0]}" for k in range(2)]
