"""All stages and jobs once, as a user runs them, and what bad input gets: one line, exit code 2, no file."""

import csv
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.condfoley import get_config
from tests.recorder import read_reads, unlisted
from tests.tiny_run import CONFIG, Answer, call, call_alone, command
from vis2sound_jax.audio.files import read_sound, write_wav
from vis2sound_jax.models.patch_coder import KMEANS_ITERATIONS
from vis2sound_jax.run.stage import listed
from vis2sound_jax.video.files import probe
from vis2sound_jax.video.mux import write_film

RATE_HZ = 22050
STAGES = ("prepare", "encoder", "codebook", "events", "transformer", "no_condition", "sync", "evaluate", "generate")
STEPS = {"encoder": 2, "codebook": KMEANS_ITERATIONS, "events": 2, "transformer": 2, "sync": 2}


def read_json(path: Path) -> dict:
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: a film of odd length and rate, sounds good and bad, and files that are no films."""
    folder = tmp_path_factory.mktemp("films")
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (71, 30, 50, 3), np.uint8)
    noise = (0.2 * rng.standard_normal(2 * 16000)).astype(np.float32)
    noise[::4000] = 0.9
    write_film(folder / "film.mp4", frames, 29.97, wav=noise, rate_hz=16000)
    write_film(folder / "mute.mp4", frames, 25.0)
    write_film(folder / "short.mp4", frames[:20], 25.0, wav=noise[:8000], rate_hz=16000)
    write_wav(folder / "sound.wav", noise, 16000)
    write_wav(folder / "silent.wav", np.zeros(32000, np.float32), 16000)
    write_wav(folder / "short.wav", noise[:8000], 16000)
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("no film, but words\n" * 50)
    return folder


@pytest.fixture(scope="module")
def made(tiny_run: Path, films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films made by request: a film as the example, the same again, another seed, a bare sound."""
    folder = tmp_path_factory.mktemp("made")
    for name, example, seed in (
        ("a", "film.mp4", 1),
        ("b", "film.mp4", 1),
        ("c", "film.mp4", 2),
        ("d", "sound.wav", 1),
    ):
        asked = [
            "--job=generate",
            f"--video={films / 'film.mp4'}",
            f"--example={films / example}",
            "--takes=2",
            "--engine=codes",
        ]
        answer = call(*command(tiny_run, *asked, f"--output={folder / name}.mp4", f"--seed={seed}"))
        assert answer.code == 0, answer.err
        assert answer.out.splitlines()[-1].startswith("vis2sound: generate is done: film ")
        assert ("no take keeps time with the film within 0.2 s" in answer.out) != read_json(folder / f"{name}.json")[
            "accepted"
        ]
        # A slow machine tells how far it is.
        assert not any(word in answer.err for word in ("rror", "arning", "Traceback"))
    return folder


def test_every_stage_is_marked_as_finished_with_a_summary(tiny_run: Path) -> None:
    marks = {path.stem: read_json(path) for path in (tiny_run / "stages").iterdir()}
    assert set(marks) == set(STAGES)
    assert all(mark["finished"] and mark["summary"] and mark["settings"] for mark in marks.values())
    assert marks["no_condition"]["summary"]["checkpoints"] == str(tiny_run / "transformer_no_condition/checkpoints")
    for stage, steps in {**STEPS, "no_condition": 2}.items():
        assert marks[stage]["summary"]["steps"] == steps
        checkpoints = Path(marks[stage]["summary"]["checkpoints"])
        assert checkpoints.is_dir() and checkpoints.with_name("metrics.jsonl").read_text().count("\n") >= 1
    assert read_json(tiny_run / "config.json")["name"] == "condfoley_smoke"
    assert not list(tiny_run.rglob("*.tmp"))


def test_stages_read_only_what_they_list(tiny_run: Path) -> None:
    reads = read_reads(tiny_run.with_name("reads.json"))
    assert set(reads) == set(STAGES) and all(reads.values())
    assert unlisted(listed(get_config()), reads) == {}


def test_the_autoencoder_is_trained_where_the_config_asks_for_it(tiny_run: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_run / "data", tmp_path / "data")
    (tmp_path / "stages").mkdir()
    shutil.copy(tiny_run / "stages" / "prepare.json", tmp_path / "stages")
    shutil.copy(tiny_run / "config.json", tmp_path)
    asked = ("--job=codebook", "--config.codebook.kind=band_coder", "--config.codebook.rows=5")
    answer = call_alone(*command(tmp_path, *asked), reads=tmp_path / "reads.json")
    assert answer.code == 0, answer.err
    reads = read_reads(tmp_path / "reads.json")
    assert "transformer.columns" in reads["codebook"] and unlisted(listed(get_config()), reads) == {}
    assert read_json(tmp_path / "stages" / "codebook.json")["summary"]["steps"] == 2
    assert (tmp_path / "codebook" / "warmup" / "checkpoints").is_dir()


def test_a_second_run_does_nothing(tiny_run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tiny_run.rglob("*") if path.is_file()}
    answer = call(*command(tiny_run))
    assert (answer.code, answer.err) == (0, "")
    assert [line.split(" (")[0] for line in answer.out.splitlines()[:-1]] == [f"{name}: finished" for name in STAGES]
    after = {path: path.stat().st_mtime_ns for path in tiny_run.rglob("*") if path.is_file()}
    changed = {path.name for path in after if before.get(path) != after[path]}
    assert changed <= {"lock", "config.json"} and set(before) == set(after)


def test_metrics_have_ceiling_floor_and_intervals(tiny_run: Path) -> None:
    metrics = read_json(tiny_run / "evaluate/metrics.json")
    rows = metrics["condfoley"]["rows"]
    takes = {
        "best of 2",
        "best of 2, by agreement",
        "best of 2, by offset",
        "take",
        "no condition",
        "trained without a condition",
        "shuffled condition",
        "onset transfer",
        "true codes",
        "exemplar",
        "exemplar, random pieces",
        "exemplar at the true times, true kinds",
        "both",
    }
    assert takes | {"real sound", "chance"} <= set(rows) == set(metrics["condfoley"]["legacy"]["rows"])
    seen = {"video encoder", "event reader", "motion peaks", "real sound"}
    assert seen | {"random times, true count"} <= set(metrics["detection"])
    for table in (rows, metrics["detection"]):
        for row in table.values():
            estimate = row["onset_ap_100ms"]
            assert estimate["low"] <= estimate["value"] <= estimate["high"]
    assert set(metrics["thresholds"]["least"]) == seen
    assert all(0 <= row["onset_f1_100ms"]["value"] <= 1 for row in (*rows.values(), *metrics["detection"].values()))
    assert set(metrics["cross_entropy"]) == {"nats_matched", "nats_shuffled", "nats_none", "nats_no_condition"}
    assert metrics["data"] == "procedural recordings"
    shares = metrics["sync"]["share_in_step_preferred"]
    assert set(shares) == {"scorer", "agreement with onsets seen", "chance"}
    assert all(0 <= shares["scorer"][length]["value"] <= 1 for length in ("1.1 s", "4 s"))
    gains = metrics["sync"]["paired_gain"]
    assert set(gains) == {
        f"best of 2{row}"
        for row in (
            *(" − take", ", by agreement − take", ", by offset − take"),
            *(" − best of 2, by agreement", " − best of 2, by offset"),
        )
    }
    assert 0 <= metrics["sync"]["pairs_with_an_accepted_take"] <= 1
    lines = (tiny_run / "evaluate/examples.jsonl").read_text().splitlines()
    assert lines and all(isinstance(json.loads(line), dict) for line in lines)


def test_the_report_needs_no_other_file_and_says_what_the_data_is(tiny_run: Path) -> None:
    page = (tiny_run / "evaluate/report.html").read_text()
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", page) and "url(" not in page.replace("url(data:", "")
    assert page.count("<audio") >= 2 and "data:image/png;base64," in page
    assert all(text in page for text in ("procedural recordings", "chance", "validation recordings", "of the test"))


def test_recordings_that_nobody_annotated_are_evaluated_to_the_end(tiny_run: Path, tmp_path: Path) -> None:
    workdir, films = tmp_path / "run", tmp_path / "recordings"
    shutil.copytree(tiny_run, workdir, ignore=shutil.ignore_patterns("data", "evaluate", "generate"))
    shutil.copytree(tiny_run / "data/recordings", films, ignore=shutil.ignore_patterns("*_times.txt", "manifest.json"))
    answer = call(*command(workdir, "--job=evaluate", f"--config.data.recordings={films}"))
    # On a slow machine there are lines of progress.
    assert answer.code == 0 and "error" not in answer.err.lower(), answer.err
    (metrics,) = (read_json(path) for path in (workdir / "other_data").glob("recordings-*/evaluate/metrics.json"))
    assert metrics["data"] == str(films) and metrics["classifier_training_sounds"] == {}
    assert metrics["condfoley"]["events"] == 0 and metrics["condfoley"]["items"] == 2
    for rows in (metrics["condfoley"]["rows"], metrics["detection"], metrics["sync"]["paired_gain"]):
        assert all(row["onset_ap_100ms"]["value"] is None for row in rows.values())
    assert metrics["condfoley"]["rows"]["real sound"]["loudness_r"]["value"] > 0.99


def check_film(manifest_path: Path, *, takes: int, source: Path) -> dict:
    """Film and sound of every take are as long as the silent film within a frame, and the manifest says all."""
    manifest = read_json(manifest_path)
    film = probe(source)
    assert len(manifest["takes"]) == takes
    for take in manifest["takes"]:
        info = probe(manifest_path.with_name(take["film"]))
        wav, rate_hz = soundfile.read(manifest_path.with_name(take["sound"]))
        assert info.has_sound and abs(info.duration_s - film.duration_s) < 1 / film.fps
        assert rate_hz == manifest["rate_hz"] == 48000 and len(wav) == round(film.duration_s * rate_hz)
        inside = read_sound(manifest_path.with_name(take["film"]), RATE_HZ)
        assert abs(len(inside) / RATE_HZ - film.duration_s) < 1 / film.fps
        assert np.isfinite(wav).all() and np.abs(wav).max() > 0
        assert 0 <= take["agreement"] <= 1 and take["true_peak_db"] <= -1.0
        assert (take["engine"] == "codes") == ("likeness" in take) != ("pieces" in take)
    made_at_hz = RATE_HZ if manifest["notes"]["engine"] == "codes" else 48_000
    assert manifest["steps"] == STEPS and manifest["delivery"]["made_at_hz"] == made_at_hz
    assert manifest["made_by"].startswith("vis2sound_jax ") and manifest["trained_on"] == "procedural recordings"
    assert all(len(manifest[name]["sha256"]) == 64 for name in ("video", "example"))
    assert [event["time_s"] for event in manifest["events"]] == sorted(event["time_s"] for event in manifest["events"])
    return manifest


def test_the_stage_makes_films_of_held_out_recordings(tiny_run: Path) -> None:
    manifests = sorted((tiny_run / "generate").glob("*.json"))
    assert len(manifests) == 2
    for path in manifests:
        manifest = check_film(path, takes=1, source=tiny_run / "data/recordings" / read_json(path)["video"]["file"])
        assert "-test-" in manifest["video"]["file"]


@pytest.mark.parametrize("name", ["a", "d"], ids=["film example", "sound example"])
def test_requested_films_are_complete_and_in_the_order_of_the_ranking(made: Path, films: Path, name: str) -> None:
    manifest = check_film(made / f"{name}.json", takes=2, source=films / "film.mp4")
    takes = manifest["takes"]
    assert [take["film"] for take in takes] == [f"{name}.mp4", f"{name}_take2.mp4"]
    scores = [take["accepted"] * (take["agreement"] + take["likeness"]) for take in takes]
    ranks = [(not take["accepted"], -score, -take["confidence"]) for take, score in zip(takes, scores, strict=True)]
    assert ranks == sorted(ranks) and manifest["accepted"] == takes[0]["accepted"]
    assert all(take["accepted"] == (abs(take["offset_s"]) <= 0.2) for take in takes)
    assert manifest["seed"] == 1 and manifest["notes"]["example_start_s"] >= 0


def test_the_seed_decides_the_sound(made: Path) -> None:
    def sounds(name: str) -> set[bytes]:
        return {path.read_bytes() for path in made.glob(f"{name}*.wav")}

    assert sounds("a") == sounds("b") and len(sounds("a")) == 2
    assert not sounds("a") & sounds("c")


def test_onsets_are_a_table_in_order_of_time(tiny_run: Path, films: Path, tmp_path: Path) -> None:
    output = tmp_path / "events.csv"
    answer = call(*command(tiny_run, "--job=onsets", f"--video={films / 'mute.mp4'}", f"--output={output}"))
    assert (answer.code, answer.err) == (0, "")
    rows = list(csv.DictReader(output.open()))
    times_s = [float(row["time_s"]) for row in rows]
    assert times_s == sorted(times_s) and all(0 <= time_s <= 71 / 25 for time_s in times_s)
    assert all(0 <= float(row["confidence"]) <= 1 for row in rows)
    assert all(row["kind"] in ("hit", "scratch") and 0 <= float(row["x"]) <= 1 for row in rows)
    assert answer.out.splitlines()[-1] == f"vis2sound: onsets is done: output {output}, events {len(rows)}"


def check_refused(answer: Answer, *words: str) -> None:
    assert answer.code == 2
    assert answer.err.endswith("\n") and answer.err.count("\n") == 1
    assert answer.err.startswith("vis2sound: error: ") and "Traceback" not in answer.out + answer.err
    for word in words:
        assert word in answer.err


VIDEOS = [
    ("none.mp4", "no such file; check the path"),
    ("empty.mp4", "is empty"),
    ("text.mp4", ""),
    ("sound.wav", "has no video stream; "),
]
EXAMPLES = [
    ("none.wav", "no such file; check the path"),
    ("empty.mp4", "is empty"),
    ("text.mp4", ""),
    ("mute.mp4", "has no sound"),
    ("silent.wav", "is silent; give an example that can be heard"),
]


@pytest.mark.parametrize(
    ("video", "example", "bad", "problem"),
    [(name, "film.mp4", name, problem) for name, problem in VIDEOS]
    + [("film.mp4", name, name, problem) for name, problem in EXAMPLES],
)
def test_bad_films_and_examples(
    tiny_run: Path, films: Path, tmp_path: Path, video: str, example: str, bad: str, problem: str
) -> None:
    asked = ["--job=generate", f"--video={films / video}", f"--example={films / example}"]
    answer = call(*command(tiny_run, *asked, f"--output={tmp_path / 'out.mp4'}"))
    check_refused(answer, f"{films / bad}: ", problem, "; ")
    assert not list(tmp_path.iterdir())


def test_films_and_examples_shorter_than_a_window_work(tiny_run: Path, films: Path, tmp_path: Path) -> None:
    asked = ["--job=generate", f"--video={films / 'short.mp4'}", f"--example={films / 'short.wav'}", "--takes=1"]
    answer = call(*command(tiny_run, *asked, "--engine=both", f"--output={tmp_path / 'out.mp4'}"))
    assert answer.code == 0, answer.err
    told = read_json(tmp_path / "out.json")
    assert told["duration_s"] == 0.8 and len(told["takes"]) == 2 and told["example"]["track"] == 1
    assert told["notes"]["silence_after_example_s"] == pytest.approx(12 * 2048 / 22050 - 0.5, abs=1e-3)
    refused = call(*command(tiny_run, *asked, "--example_track=2", f"--output={tmp_path / 'not.mp4'}"))
    check_refused(refused, "short.wav: has no sound track 2 that can be read; it has 1: mono, 16000 Hz")
    refused = call(*command(tiny_run, *asked, "--example_track=one", f"--output={tmp_path / 'not.mp4'}"))
    check_refused(refused, "--example_track=one is no track; give a number from 1, or several with commas between")


@pytest.mark.parametrize("video", ["none.mp4", "empty.mp4", "text.mp4", "sound.wav"])
def test_bad_films_have_no_onsets(tiny_run: Path, films: Path, tmp_path: Path, video: str) -> None:
    asked = ["--job=onsets", f"--video={films / video}", f"--output={tmp_path / 'out.csv'}"]
    check_refused(call(*command(tiny_run, *asked)), f"{films / video}: ", "; ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("job", "output", "problem"),
    [
        ("generate", "no/out.mp4", "no: there is no such folder; make it or name another --output"),
        ("generate", "out.avi", "has the ending .avi; name a file that ends in .mp4 or .mov or .m4v or .mkv"),
        ("generate", "folder.mp4", "is a folder; name a file as --output"),
        ("onsets", "no/out.csv", "no: there is no such folder; make it or name another --output"),
        ("onsets", "out.doc", "has the ending .doc; name a file that ends in .csv or .json or .mid"),
    ],
)
def test_bad_outputs(tiny_run: Path, films: Path, tmp_path: Path, job: str, output: str, problem: str) -> None:
    (tmp_path / "folder.mp4").mkdir()
    asked = [f"--job={job}", f"--video={films / 'film.mp4'}", f"--output={tmp_path / output}"]
    asked += [f"--example={films / 'film.mp4'}"] if job == "generate" else []
    check_refused(call(*command(tiny_run, *asked)), str(tmp_path), problem)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.mp4"]


def test_the_example_is_not_replaced_by_the_takes_sound(tiny_run: Path, films: Path) -> None:
    before = {path: path.read_bytes() for path in films.iterdir()}
    asked = ["--job=generate", f"--video={films / 'film.mp4'}", f"--example={films / 'sound.wav'}"]
    answer = call(*command(tiny_run, *asked, f"--output={films / 'sound.mp4'}"))
    check_refused(answer, f"{films / 'sound.wav'}: would be replaced by what is made from it; name another --output")
    assert before == {path: path.read_bytes() for path in films.iterdir()}


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is locked to the superuser")
def test_a_locked_folder(tiny_run: Path, films: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    asked = ["--job=onsets", f"--video={films / 'film.mp4'}", f"--output={tmp_path / 'out.csv'}"]
    check_refused(call(*command(tiny_run, *asked)), f"{tmp_path}: cannot be written to; name another --output")


def test_requests_that_are_not_complete(tiny_run: Path, films: Path) -> None:
    check_refused(call(*command(tiny_run, "--job=onsets")), "--job=onsets needs --video=FILM and --output=EVENTS.csv")
    asked = ["--job=generate", f"--video={films / 'film.mp4'}"]
    check_refused(call(*command(tiny_run, *asked)), "--job=generate needs --video=FILM and --example=FILM_OR_SOUND")
    check_refused(call(*command(tiny_run, *asked, "--takes=0")), "takes")


def test_an_unknown_preset(tmp_path: Path) -> None:
    answer = call(f"--config={CONFIG}:huge", f"--workdir={tmp_path / 'run'}")
    check_refused(answer, "unknown preset 'huge'", "laptop, laptop_ablations, shipped, smoke")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("job", [[], ["--job=generate"], ["--job=evaluate"]], ids=str)
@pytest.mark.parametrize(
    ("setting", "before"), [("transformer.width=32", "16"), ("data.rate_hz=16000", "22050")], ids=["sizes", "rate"]
)
def test_weights_and_records_of_other_settings(
    tiny_run: Path, films: Path, tmp_path: Path, job: list[str], setting: str, before: str
) -> None:
    """With a request, without one, and for the stages: the weights stay those they were trained as."""
    request = [f"--{name}={films / 'film.mp4'}" for name in ("video", "example")] + [f"--output={tmp_path / 'o.mp4'}"]
    asked = job + request * (job == ["--job=generate"])
    mark = (tiny_run / "stages/transformer.json").read_bytes()
    answer = call(*command(tiny_run, *asked, f"--config.{setting}"))
    name, _, now = setting.partition("=")
    check_refused(answer, str(tiny_run), f"config.{name}={before}", f"it is {now} now; ")
    assert (tiny_run / "stages/transformer.json").read_bytes() == mark and not list(tmp_path.iterdir())


def test_a_run_that_is_not_there(films: Path, tmp_path: Path) -> None:
    asked = ["--job=onsets", f"--video={films / 'film.mp4'}", f"--output={tmp_path / 'out.csv'}"]
    check_refused(call(*command(tmp_path / "run", *asked)), f"{tmp_path / 'run'}: there is no finished run; train one")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("bad", ["text.mp4", "silent.wav"])
def test_nothing_else_reaches_the_terminal(tiny_run: Path, films: Path, tmp_path: Path, bad: str) -> None:
    """In a process of its own, where libraries may write to the terminal directly."""
    asked = ["--job=generate", f"--video={films / 'film.mp4'}", f"--example={films / bad}"]
    answer = call_alone(*command(tiny_run, *asked, f"--output={tmp_path / 'out.mp4'}"))
    check_refused(answer, f"{films / bad}: ")
    assert not list(tmp_path.iterdir())


def test_a_listening_study_is_one_page(tiny_run: Path, tmp_path: Path) -> None:
    answer = call(*command(tiny_run, "--job=study", f"--output={tmp_path / 'study'}", "--recordings=2"))
    assert answer.code == 0, answer.err
    page = (tmp_path / "study" / "study.html").read_text()
    assert "Which sound is real?" in page and "onset transfer" in page and "exemplar" in page
    assert len(list((tmp_path / "study").glob("*.mp4"))) == 8
    assert len(read_json(tmp_path / "study" / "study.json")["files"]) == 9
    for output, message in (("", "--job=study needs --output=FOLDER"), (tmp_path / "no" / "one", "name a new folder")):
        answer = call(*command(tiny_run, "--job=study", f"--output={output}"))
        assert answer.code == 2 and message in answer.err
