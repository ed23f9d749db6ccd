"""Laws of what a result leaves: the best take first, films as long as they were, a manifest that tells its origin."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.files import read_channels
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.run.delivery import Delivery
from vis2sound_jax.run.film_sound import write_with_sound
from vis2sound_jax.run.manifest import manifest_of, write_result
from vis2sound_jax.run.outputs import sha256
from vis2sound_jax.run.steps import Composed, Events, Request, Result, Watched
from vis2sound_jax.video.files import probe
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import mux_sound, write_film

RATE_HZ, FPS = 8000, 10
KEYS = (
    *("made_by", "system", "config", "trained_on", "steps", "seed", "video", "example", "rate_hz", "channels"),
    *("source_zero_s", "joined_at_s", "duration_s", "delivery", "events", "accepted", "takes", "notes"),
)
ORIGIN = {"system": "demo", "config": "demo_smoke", "trained_on": "procedural recordings", "steps": {"encoder": 7}}


def result_for(film: Film, example: Path | Example | None = None, **more: object) -> Result:
    """Three takes of one second; the second agrees best."""
    events = Events(np.array([0.25, 0.5]), np.array([0.9, 0.4]))
    composed = Composed(Watched(film, events, None), Request(example=example, takes=3, seed=5), events)
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    wavs = np.array([0.1, 0.2, 0.3], np.float32)[:, None] * tone
    scores = {"agreement": np.array([0.3, 0.8, 0.5])}
    result = Result(composed, wavs, RATE_HZ, events, np.array([1, 2, 0]), scores, origin=ORIGIN)
    return dataclasses.replace(result, **more)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    write_film(path, np.random.default_rng(0).integers(0, 256, (FPS, 16, 16, 3), np.uint8), FPS)
    return path


def test_the_best_take_has_the_name_and_others_follow(film: Path) -> None:
    with Film.open(film) as opened:
        result = result_for(opened)
        manifest = write_result(result, film.with_name("out.mp4"), Delivery(RATE_HZ))
    assert result.best == 1
    for name, take in (("out", 1), ("out_take2", 2), ("out_take3", 0)):
        wav, rate_hz = soundfile.read(film.with_name(f"{name}.wav"), dtype="float32")
        assert rate_hz == RATE_HZ
        np.testing.assert_allclose(wav, result.wavs[take], atol=1e-6)
        info = probe(film.with_name(f"{name}.mp4"))
        assert info.has_sound and info.duration_s == pytest.approx(1.0, abs=1e-3)
    assert [take["agreement"] for take in manifest["takes"]] == [0.8, 0.5, 0.3]
    written = {path.name for path in film.parent.glob("out*")} - {"out.json"}
    assert manifest["files"] == {name: sha256(film.with_name(name)) for name in written}
    endings = {path.name for path in film.parent.glob("out*")}
    assert endings == {f"out{k}.{end}" for k in ("", "_take2", "_take3") for end in ("mp4", "wav")} | {"out.json"}
    assert json.loads(film.with_name("out.json").read_text()) == manifest


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("fails_at", [0, 2])
def test_a_failure_at_any_take_leaves_what_was_there(
    film: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    output = film.with_name("out.mp4")
    with Film.open(film) as opened:
        result = result_for(opened)
        write_result(result, output, Delivery(RATE_HZ))
        before, takes = contents(film.parent), iter(range(3))

        def write(*given: object) -> None:
            if next(takes) == fails_at:
                raise file_error(Path(str(given[-1])), "cannot be written (no space left on device)", "free some space")
            write_with_sound(*given)  # type: ignore[arg-type]

        monkeypatch.setattr("vis2sound_jax.run.manifest.write_with_sound", write)
        with pytest.raises(UserError) as caught:
            write_result(result, output)
    name = f"out{'' if fails_at == 0 else f'_take{fails_at + 1}'}.mp4"
    assert caught.value.path == film.with_name(name) and str(caught.value).startswith(f"{film.with_name(name)}: ")
    assert contents(film.parent) == before


def test_less_takes_leave_no_old_ones(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = film.with_name("out.mp4")
    with Film.open(film) as opened:
        write_result(result_for(opened), output, Delivery(RATE_HZ))
        fewer = result_for(opened, order=np.array([1]))
        manifest = write_result(fewer, str(output), Delivery(RATE_HZ))
    said = "out_take2.mp4, out_take2.wav, out_take3.mp4, out_take3.wav: removed, left by an earlier request\n"
    assert capsys.readouterr().out == said
    assert set(contents(film.parent)) == {"film.mp4", "out.mp4", "out.wav", "out.json"}
    assert set(manifest["files"]) == {"out.mp4", "out.wav"} and "earlier_files" not in manifest


@pytest.mark.parametrize("name", ["out.wav", "out.json", "out.mp4", "out_take3.wav"])
def test_files_of_the_user_are_not_replaced(film: Path, name: str) -> None:
    film.with_name(name).write_bytes(b"mine")
    before = contents(film.parent)
    with Film.open(film) as opened:
        with pytest.raises(UserError, match=f"{name}: is there already, and not as a file of this program; add --over"):
            write_result(result_for(opened), film.with_name("out.mp4"))
        assert contents(film.parent) == before
        write_result(result_for(opened), film.with_name("out.mp4"), Delivery(RATE_HZ), overwrite=True)
    assert film.with_name(name).read_bytes() != b"mine"


def test_a_webm_holds_opus(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (FPS, 16, 16, 3), np.uint8)
    write_result(result_for(Film.of_frames(pixels, FPS, "drawn")), tmp_path / "out.webm")
    heard = read_channels(tmp_path / "out_take2.webm", 48000)
    assert heard.shape == (48000, 1) and heard.std() == pytest.approx(0.3 / 2**0.5, rel=0.05)


def test_the_manifest_has_one_set_of_keys_and_tells_what_was_made_from_what(film: Path, tmp_path: Path) -> None:
    example = tmp_path / "example.bin"
    example.write_bytes(b"knock")
    with Film.open(film) as opened:
        manifest = manifest_of(result_for(opened, example))
        assert set(manifest) == set(manifest_of(result_for(opened))) == set(KEYS)
    assert manifest["example"] == {"file": "example.bin", "sha256": hashlib.sha256(b"knock").hexdigest()}
    assert manifest["video"] == {"file": "film.mp4", "sha256": sha256(film)}
    assert manifest["events"] == [{"time_s": 0.25, "confidence": 0.9}, {"time_s": 0.5, "confidence": 0.4}]
    assert {**ORIGIN, "seed": 5, "rate_hz": 48000, "channels": 1, "duration_s": 1.0}.items() <= manifest.items()
    assert manifest["accepted"] is None and "accepted" not in manifest["takes"][0]


def test_a_ranking_stands_in_the_manifest_in_the_order_of_the_takes(film: Path) -> None:
    scores = {"offset_s": np.array([0.0, 0.4, -0.5])}
    with Film.open(film) as opened:
        accepted = np.array([True, False, False])
        ranked = manifest_of(result_for(opened, scores=scores, accepted=accepted, order=np.array([0, 2, 1])))
        refused = manifest_of(result_for(opened, accepted=np.zeros(3, bool)))
    assert [take["offset_s"] for take in ranked["takes"]] == [0.0, -0.5, 0.4]
    assert [take["accepted"] for take in ranked["takes"]] == [True, False, False] and ranked["accepted"] is True
    assert refused["accepted"] is False


def test_arrays_are_written_too_and_have_no_digest(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (FPS, 16, 16, 3), np.uint8)
    example = Example.of_wav(np.zeros(100, np.float32), RATE_HZ, "knock")
    manifest = write_result(result_for(Film.of_frames(pixels, FPS, "drawn"), example), tmp_path / "out.mp4")
    assert manifest["video"] == {"file": "drawn", "sha256": None}
    assert manifest["example"] == {"file": "knock", "sha256": None}
    assert probe(tmp_path / "out_take3.mp4").has_sound


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_takes_are_delivered_as_asked_and_the_manifest_tells_how(film: Path, suffix: str) -> None:
    delivery = Delivery(96000, lufs=-16.0, pcm=suffix == "mov")
    with Film.open(film) as opened:
        result = result_for(opened)
        stereo = dataclasses.replace(result, wavs=np.stack([result.wavs, 0.5 * result.wavs], axis=-1))
        manifest = write_result(stereo, film.with_name(f"out.{suffix}"), delivery)
    assert stereo.channels == manifest["channels"] == 2 and result.channels == 1 and manifest["rate_hz"] == 96000
    asked = {"rate_hz": 96000, "lufs": -16.0, "keep_sound_db": None, "pcm": suffix == "mov"}
    assert manifest["delivery"] == {"made_at_hz": RATE_HZ, **asked}
    for take in manifest["takes"]:
        info = soundfile.info(film.with_name(take["sound"]))
        assert (info.samplerate, info.channels, info.frames, info.subtype) == (96000, 2, 96000, "PCM_24")
        assert take["lufs"] == pytest.approx(-16.0, abs=0.1) and take["true_peak_db"] <= -1.0
        heard = read_channels(film.with_name(take["film"]), 48000)
        assert heard.shape == (48000, 2) and heard[:, 1].std() == pytest.approx(0.5 * heard[:, 0].std(), rel=0.05)


def test_silence_has_no_levels(film: Path) -> None:
    with Film.open(film) as opened:
        silent = result_for(opened, wavs=np.zeros((3, RATE_HZ), np.float32))
        manifest = write_result(silent, film.with_name("out.mp4"), Delivery(lufs=-23.0))
    assert all(take["lufs"] is None and take["true_peak_db"] is None for take in manifest["takes"])


def test_the_films_own_sound_makes_two_channels(film: Path, tmp_path: Path) -> None:
    own = (0.1 * np.random.default_rng(0).standard_normal((48000, 2))).astype(np.float32)
    mux_sound(film, own, 48000, tmp_path / "own.mp4")
    with Film.open(tmp_path / "own.mp4") as opened:
        manifest = write_result(result_for(opened), tmp_path / "out.mp4", Delivery(keep_sound_db=-6.0))
    assert manifest["channels"] == 2 and soundfile.info(tmp_path / "out_take3.wav").channels == 2


def test_notes_of_events_stand_beside_their_time() -> None:
    events = Events(np.array([0.123456]), np.array([0.5]), ({"exemplar": {"recording": "a"}},))
    assert events.listed() == [{"time_s": 0.1235, "confidence": 0.5, "exemplar": {"recording": "a"}}]
