"""Visually Indicated Sounds as a user runs it: all stages of both tasks, films by request, what bad input gets."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.vis import get_config
from tests.recorder import read_reads, unlisted
from tests.tiny_run import VIS_CONFIG, Answer, call, call_alone
from tests.tiny_run import vis_command as command
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.run.stage import listed
from vis2sound_jax.video.files import probe
from vis2sound_jax.video.mux import write_film

RATE_HZ = 16000
TRAINED = ("prediction", "prediction_no_spacetime", "prediction_no_rnn", "detection", "detection_no_spacetime")
STAGES = ("prepare", "sounds", "streams", "seen", *TRAINED, "evaluate", "generate")


def read_json(path: Path) -> dict:
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: a silent film of odd length, rate and size, and files that are no films."""
    folder = tmp_path_factory.mktemp("films")
    frames = np.random.default_rng(0).integers(0, 256, (71, 30, 50, 3), np.uint8)
    write_film(folder / "film.mp4", frames, 25.0)
    write_wav(folder / "sound.wav", np.zeros(8000, np.float32), RATE_HZ)
    (folder / "text.mp4").write_text("no film, but words\n" * 50)
    return folder


def asked(films: Path, output: Path, *more: str, video: str = "film.mp4") -> list[str]:
    return ["--job=generate", f"--video={films / video}", f"--output={output}", *more]


@pytest.fixture(scope="module")
def made(tiny_vis_run: Path, films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films made by request: copied sounds, and imposed envelopes twice with one seed and once with another."""
    folder = tmp_path_factory.mktemp("made")
    parametric = "--synthesis=parametric"
    for name, more in (("copied", []), ("a", [parametric, "--seed=1"]), ("b", [parametric, "--seed=1"]),
                       ("c", [parametric, "--seed=2"])):  # fmt: skip
        answer = call(*command(tiny_vis_run, *asked(films, folder / f"{name}.mp4", *more)))
        assert answer.code == 0, answer.err
        assert answer.out.splitlines()[-1].startswith("vis2sound: generate is done: film ")
    return folder


def test_every_stage_is_marked_as_finished_with_a_summary(tiny_vis_run: Path) -> None:
    marks = {path.stem: read_json(path) for path in (tiny_vis_run / "stages").iterdir()}
    assert set(marks) == set(STAGES)
    assert all(mark["finished"] and mark["summary"] and mark["settings"] for mark in marks.values())
    for stage in ("streams", *TRAINED):
        assert marks[stage]["summary"]["steps"] == 2
        assert (tiny_vis_run / stage / "metrics.jsonl").read_text().count("\n") >= 1
    digests = [marks[stage]["summary"]["digest"] for stage in ("streams", *TRAINED)]
    assert len(set(digests)) == len(digests)
    assert read_json(tiny_vis_run / "config.json")["name"] == "vis_smoke"
    assert not list(tiny_vis_run.rglob("*.tmp"))


def test_stages_read_only_what_they_list(tiny_vis_run: Path) -> None:
    reads = read_reads(tiny_vis_run.with_name("reads.json"))
    assert set(reads) == set(STAGES) and all(reads.values())
    assert unlisted(listed(get_config()), reads) == {}


def test_a_second_run_does_nothing(tiny_vis_run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tiny_vis_run.rglob("*") if path.is_file()}
    answer = call(*command(tiny_vis_run))
    assert (answer.code, answer.err) == (0, "")
    assert [line.split(" (")[0] for line in answer.out.splitlines()[:-1]] == [f"{name}: finished" for name in STAGES]
    after = {path: path.stat().st_mtime_ns for path in tiny_vis_run.rglob("*") if path.is_file()}
    changed = {path.name for path in after if before.get(path) != after[path]}
    assert changed <= {"lock", "config.json"} and set(before) == set(after)


def test_a_killed_training_goes_on_to_the_same_weights(tiny_vis_run: Path, tmp_path: Path) -> None:
    """Killed after its first step: the mark says begun, and there is no newer checkpoint."""
    workdir = tmp_path / "run"
    shutil.copytree(tiny_vis_run, workdir)
    mark = workdir / "stages" / "prediction.json"
    before = read_json(mark)
    mark.write_text(json.dumps({"finished": False, "settings": before["settings"]}))
    saved = sorted(path.name for path in (workdir / "prediction" / "checkpoints").iterdir() if path.name.isdigit())
    assert saved == ["1", "2"]
    shutil.rmtree(workdir / "prediction" / "checkpoints" / "2")
    answer = call_alone(*command(workdir, "--job=prediction"))
    assert answer.code == 0, answer.err
    again = read_json(mark)
    assert again["finished"] and again["summary"]["digest"] == before["summary"]["digest"]


def test_metrics_have_ceiling_floor_and_intervals(tiny_vis_run: Path) -> None:
    metrics = read_json(tiny_vis_run / "evaluate/metrics.json")
    assert metrics["data"] == "procedural recordings"
    rows = metrics["impacts"]["rows"]
    networks = {"full system", "no spacetime", "no RNN", "full system, whole films", "full system, its exemplar"}
    assert networks | {"ridge regression", "image match", "spacetime match"} <= set(rows)
    ends = {"real sound", "real-sound match"}, {"random impact sound"}
    assert ends[0] | ends[1] <= set(rows)
    assert rows["real sound"]["loudness_mse"]["value"] == 0.0 and rows["full system"]["loudness_mse"]["value"] > 0
    detection = metrics["detection"]["rows"]
    assert {"full system", "no spacetime", "motion peaks", "real sound", "random times, true count"} <= set(detection)
    thresholds = metrics["detection"]["thresholds"]
    assert set(thresholds["least"]) == set(detection) - {"random times, true count"}
    assert "the eye that ships" in thresholds["least"] and thresholds["validation_events"] >= 1
    for row in (*rows.values(), *detection.values()):
        for estimate in row.values():
            low, value, high = (estimate[name] for name in ("low", "value", "high"))
            assert value is None or not np.isfinite(value) or low <= value <= high
    table = (tiny_vis_run / "evaluate/table.txt").read_text()
    assert "full system" in table and "real sound" in table and "random impact sound" in table
    lines = (tiny_vis_run / "evaluate/examples.jsonl").read_text().splitlines()
    assert lines and all(isinstance(json.loads(line), dict) for line in lines)


def test_the_report_says_what_the_data_is_and_shows_its_films(tiny_vis_run: Path) -> None:
    page = (tiny_vis_run / "evaluate/report.html").read_text()
    assert "procedural recordings" in page and "real sound" in page and "random impact sound" in page
    linked = set(re.findall(r"""(?:src|href)=["'](?!data:|#)([^"']+)""", page))
    shown = {f"films/{path.name}" for path in (tiny_vis_run / "evaluate/films").iterdir()}
    assert len(shown) == 2 and linked == shown


def test_the_stage_makes_films_of_held_out_recordings_with_both_kinds_of_sound(tiny_vis_run: Path) -> None:
    written = sorted((tiny_vis_run / "generate").glob("*.mp4"))
    assert [path.stem.rpartition("_")[2] for path in written] == ["exemplar", "parametric"]
    for path in written:
        info = probe(path)
        assert "-test-" in path.name and info.has_sound and abs(info.duration_s - 3.0) < 0.1


def test_recordings_that_nobody_annotated_go_through_all_stages(tiny_vis_run: Path, tmp_path: Path) -> None:
    """What can be heard stands for their impacts; against it nothing is scored that an annotation would decide."""
    shutil.copytree(tiny_vis_run / "data" / "recordings", tmp_path / "recordings")
    for times in (tmp_path / "recordings").glob("*_times.txt"):
        times.unlink()
    # The streams, which take longest, are those of the other run.
    shutil.copytree(tiny_vis_run / "streams", tmp_path / "run" / "streams")
    shutil.copy(tiny_vis_run / "config.json", tmp_path / "run")
    stages = ("prepare", "sounds", "seen", "detection", "evaluate", "generate")
    settings = (f"data.recordings={tmp_path / 'recordings'}", f"stages={stages}", "evaluate.eye=")
    answer = call_alone(*command(tmp_path / "run", *(f"--config.{setting}" for setting in settings)))
    assert answer.code == 0, answer.err
    marks = {name: read_json(tmp_path / "run" / "stages" / f"{name}.json")["summary"] for name in stages}
    assert marks["prepare"]["unannotated"] == 6 and marks["sounds"]["exemplars"] > 0
    assert "detection_ap" not in marks["evaluate"] and marks["generate"]["films"] == 2
    metrics = read_json(tmp_path / "run/evaluate/metrics.json")
    assert "of 2 of 2 test recordings, which nobody annotated" in metrics["data"]
    assert (metrics["detection"]["recordings"], metrics["detection"]["impacts"]) == (0, 0)
    row = metrics["impacts"]["rows"]["full system, whole films"]
    assert np.isfinite(row["loudness_mse"]["value"]) and row.get("material", {"value": None})["value"] is None


@pytest.mark.parametrize(("name", "kind"), [("copied", "exemplar"), ("a", "parametric")])
def test_requested_films_are_complete(made: Path, films: Path, name: str, kind: str) -> None:
    manifest, film = read_json(made / f"{name}.json"), probe(films / "film.mp4")
    info = probe(made / f"{name}.mp4")
    assert info.has_sound and abs(info.duration_s - film.duration_s) < 1 / film.fps
    wav, rate_hz = soundfile.read(made / f"{name}.wav")
    assert rate_hz == manifest["rate_hz"] == 48000 and np.isfinite(wav).all()
    assert len(wav) == round(film.duration_s * rate_hz) and manifest["delivery"]["made_at_hz"] == RATE_HZ
    assert manifest["duration_s"] == pytest.approx(len(wav) / rate_hz, abs=1e-4)
    assert manifest["notes"] == {"synthesis": kind} and manifest["trained_on"] == "procedural recordings"
    (take,) = manifest["takes"]
    assert (take["film"], take["sound"]) == (f"{name}.mp4", f"{name}.wav")
    # Networks that have learned nothing may hear nothing; a peak of silence is none.
    peak_db = take["true_peak_db"]
    assert peak_db <= -1.0 if wav.any() else peak_db is None
    assert len(manifest["video"]["sha256"]) == 64 and manifest["example"] is None
    times_s = [event["time_s"] for event in manifest["events"]]
    assert times_s == sorted(times_s) and all(0 <= time_s <= film.duration_s for time_s in times_s)
    for event in manifest["events"]:
        assert ("exemplar" in event) == (kind == "exemplar")
        assert kind == "parametric" or event["exemplar"]["recording"].startswith("procedural-train-")


def test_the_seed_decides_the_sound(made: Path) -> None:
    a, b, c, copied = ((made / f"{name}.wav").read_bytes() for name in ("a", "b", "c", "copied"))
    assert a == b != c and copied not in (a, c)
    first, second = (read_json(made / f"{name}.json") for name in "ab")
    assert list(first.pop("files").values()) == list(second.pop("files").values())
    assert first == second | {"takes": [second["takes"][0] | {"film": "a.mp4", "sound": "a.wav"}]}


def check_refused(answer: Answer, *words: str) -> None:
    assert answer.code == 2
    assert answer.err.endswith("\n") and answer.err.count("\n") == 1
    assert answer.err.startswith("vis2sound: error: ") and "Traceback" not in answer.out + answer.err
    for word in words:
        assert word in answer.err


@pytest.mark.parametrize(
    ("video", "problem"),
    [("none.mp4", "no such file; check the path"), ("text.mp4", ""), ("sound.wav", "has no video stream; ")],
)
def test_bad_films(tiny_vis_run: Path, films: Path, tmp_path: Path, video: str, problem: str) -> None:
    answer = call(*command(tiny_vis_run, *asked(films, tmp_path / "out.mp4", video=video)))
    check_refused(answer, f"{films / video}: ", problem)
    assert not list(tmp_path.iterdir())


def test_bad_outputs(tiny_vis_run: Path, films: Path, tmp_path: Path) -> None:
    for name, problem in (("no/out.mp4", "there is no such folder"), ("out.avi", "has the ending .avi; name a file")):
        check_refused(call(*command(tiny_vis_run, *asked(films, tmp_path / name))), str(tmp_path), problem)
    answer = call(*command(tiny_vis_run, *asked(films, films / "film.mp4")))
    check_refused(answer, "would be replaced by what is made from it; name another --output")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (["--example=film.mp4"], "Unknown command line flag 'example'"),
        (["--takes=2"], "Unknown command line flag 'takes'"),
        (["--rate=44000"], "--rate=44000 is no rate that players know"),
        (["--pcm"], "out.mp4: a .mp4 does not hold PCM that players read; name a .mov or .mkv"),
        (["--keep_sound=-6"], "film.mp4: has no sound of its own to keep; leave --keep_sound out"),
        (["--synthesis=granular"], "synthesis"),
        (["--video="], "--job=generate needs --video=FILM; --output=FILM.mp4 says where the film goes"),
        (["--config.synthesis.kind=granular"], "it must be one of exemplar, parametric"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_requests_that_do_not_fit(
    tiny_vis_run: Path, films: Path, tmp_path: Path, more: list[str], problem: str
) -> None:
    check_refused(call(*command(tiny_vis_run, *asked(films, tmp_path / "out.mp4"), *more)), problem)
    assert not list(tmp_path.iterdir())


def test_a_preset_without_detection_makes_no_films(films: Path, tmp_path: Path) -> None:
    answer = call(f"--config={VIS_CONFIG}", f"--workdir={tmp_path / 'run'}", *asked(films, tmp_path / "out.mp4"))
    check_refused(answer, "vis predicts the sound of single impacts", "use --config=configs/vis.py:detection")
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_not_there(films: Path, tmp_path: Path) -> None:
    answer = call(*command(tmp_path / "run", *asked(films, tmp_path / "out.mp4")))
    check_refused(answer, f"{tmp_path / 'run'}: there is no trained detection model; finish the run first")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("job", ["all stages", "evaluate", "generate", "request"])
@pytest.mark.parametrize(("setting", "before"), [("detection.width=16", "8"), ("data.rate_hz=22050", "16000")])
def test_weights_of_other_settings_are_refused(
    tiny_vis_run: Path, films: Path, tmp_path: Path, job: str, setting: str, before: str
) -> None:
    """Whether a stage is asked for, a job by name or a film: the weights stay those they were trained as."""
    files = {path: path.stat().st_mtime_ns for path in tiny_vis_run.rglob("*") if path.is_file()}
    wanted = {"all stages": [], "request": asked(films, tmp_path / "out.mp4")}.get(job, [f"--job={job}"])
    answer = call(*command(tiny_vis_run, *wanted, f"--config.{setting}"))
    name, _, now = setting.partition("=")
    check_refused(answer, str(tiny_vis_run), f"config.{name}={before}", f"it is {now} now; ")
    after = {path: path.stat().st_mtime_ns for path in tiny_vis_run.rglob("*") if path.is_file()}
    assert {path for path in after if files.get(path) != after[path]} <= {tiny_vis_run / "lock"}
    assert not list(tmp_path.iterdir())
