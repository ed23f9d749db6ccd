"""Laws of the engines: a film sounds by pieces of its example, by codes, or by both; options out of range are told."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_run import call, command
from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.files import read_channels, write_wav
from vis2sound_jax.audio.onsets import onset_times
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.manifest import manifest_of
from vis2sound_jax.run.steps import Events, Request
from vis2sound_jax.systems.condfoley.chain import Foley, load
from vis2sound_jax.systems.condfoley.engines import Options, heard_events, open_library
from vis2sound_jax.systems.condfoley.event_rule import EventRule
from vis2sound_jax.systems.condfoley.plan import plan_pieces
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import write_film

RATE_HZ = 48_000
ALWAYS = EventRule(threshold=1e-3)


def knocks(channels: int = 2, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Three seconds of quiet noise with four knocks."""
    rng = np.random.default_rng(0)
    wav = 0.0005 * rng.standard_normal((3 * rate_hz, channels))
    for time_s, level in ((0.4, 0.8), (1.1, 0.4), (1.8, 0.6), (2.4, 0.2)):
        first, t = round(time_s * rate_hz), np.arange(rate_hz // 4) / rate_hz
        wav[first : first + len(t)] += level * (np.exp(-t / 0.05) * np.sin(2 * np.pi * 700 * t))[:, None]
    return wav.astype(np.float32)


@pytest.fixture(scope="module")
def foley(tiny_run: Path) -> Foley:
    return dataclasses.replace(load(tiny_run), rule=ALWAYS)


@pytest.fixture
def film() -> Film:
    return Film.of_frames(np.random.default_rng(0).integers(0, 256, (75, 40, 64, 3), np.uint8), 25.0, "noise")


def example() -> Example:
    return Example.of_wav(knocks(), RATE_HZ, "knocks")


def test_pieces_are_laid_at_the_examples_own_channels_and_the_wanted_rate(foley: Foley, film: Film) -> None:
    result = foley.generate(film, Request(example=example(), takes=2))
    assert result.wavs.shape == (2, 3 * 48_000, 2) and result.rate_hz == 48_000 and result.codes is None
    assert result.accepted is None and set(result.scores) == {"agreement"}
    manifest = manifest_of(result)
    assert manifest["notes"] == {"engine": "exemplar", "pieces": 4, "example_has_attacks": True}
    for take in manifest["takes"]:
        assert [piece["event"] for piece in take["pieces"]] == [event["id"] for event in manifest["events"]]
        assert {piece["how"] for piece in take["pieces"]} <= {"copied", "grains of hits", "attack of a scratch"}
    assert {"kind", "scratch", "force_db", "x", "y"} <= set(manifest["events"][0])
    again = foley.generate(film, Request(example=example(), takes=2))
    np.testing.assert_array_equal(again.wavs, result.wavs)
    assert (foley.generate(film, Request(example=example(), takes=2, seed=1)).wavs != result.wavs).any()


def test_both_engines_are_ranked_together(foley: Foley, film: Film) -> None:
    result = foley.generate(film, Request(example=example(), takes=2, options={"engine": "both"}))
    assert result.wavs.shape == (4, 3 * 48_000, 2) and result.codes is not None and len(result.codes) == 2
    assert [note["engine"] for note in result.take_notes] == ["exemplar", "exemplar", "codes", "codes"]
    assert sorted(result.order) == [0, 1, 2, 3] and result.accepted is not None
    np.testing.assert_array_equal(result.wavs[2, :, 0], result.wavs[2, :, 1])


def test_a_film_and_an_example_shorter_than_a_window_are_enough_for_pieces(foley: Foley) -> None:
    short = Film.of_frames(np.random.default_rng(0).integers(0, 256, (12, 40, 64, 3), np.uint8), 25.0)
    shot = Example.of_wav(knocks(1)[round(0.4 * RATE_HZ) :][: round(0.03 * RATE_HZ)], RATE_HZ, "shot")
    result = foley.generate(short, Request(example=shot))
    assert result.wavs.shape == (1, round(12 / 25 * 48_000)) and np.isfinite(result.wavs).all()
    assert result.composed.notes["pieces"] == 1


def test_what_an_event_sounds_like_does_not_change_when_another_goes(foley: Foley) -> None:
    library = open_library([example()], ALWAYS)
    times = np.array([0.3, 0.9, 1.5, 2.1])
    notes = tuple({"id": number, "scratch": 0.0} for number in range(4))
    every = Events(times, np.ones(4), notes)
    fewer = Events(times[[0, 2, 3]], np.ones(3), (notes[0], notes[2], notes[3]))
    plans = [plan_pieces(library, events, ALWAYS, Options(), seed=3, takes=2) for events in (every, fewer)]
    for whole, part in zip(plans[0].choices, plans[1].choices, strict=True):
        assert [whole[0], whole[2], whole[3]] == list(part)
    # Away from the event that went, not a sample differs.
    wavs = [plan.sound(0, 2.6) for plan in plans]
    np.testing.assert_array_equal(wavs[0][: round(0.85 * 48_000)], wavs[1][: round(0.85 * 48_000)])


def test_an_edited_events_gain_is_heard_as_it_is(foley: Foley) -> None:
    library = open_library([example()], ALWAYS)
    sounds = []
    for gain in (1.0, 0.5):
        events = Events(np.array([0.5]), np.ones(1), ({"id": 0, "scratch": 0.0, "gain": gain},))
        sounds.append(plan_pieces(library, events, ALWAYS, Options(vary=0.0), seed=0, takes=1).sound(0, 1.0))
    np.testing.assert_allclose(sounds[1], 0.5 * sounds[0], atol=1e-7)


def test_the_room_goes_on_under_the_pieces_only_if_asked(foley: Foley) -> None:
    library = open_library([example()], ALWAYS)
    none = Events(np.zeros(0), np.zeros(0))
    silent = plan_pieces(library, none, ALWAYS, Options(), seed=0, takes=1).sound(0, 1.0)
    assert not silent.any()
    tone = plan_pieces(library, none, ALWAYS, Options(tone_db=0.0), seed=0, takes=1).sound(0, 1.0)
    assert 20 * np.log10(np.sqrt(np.mean(tone**2)) / 0.0005) == pytest.approx(0.0, abs=1.5)


def test_only_what_is_sure_enough_is_heard() -> None:
    events = Events(np.arange(4.0), np.array([0.1, 0.15, 0.3, 0.9]), tuple({"id": k} for k in range(4)))
    rule = EventRule(threshold=0.4)
    kept = heard_events(events, rule)
    assert [note["id"] for note in kept.notes] == [1, 2, 3]
    assert rule.gain(0.9) == 1.0 and rule.gain(0.3) == pytest.approx(0.5)


def test_options_out_of_range_are_told() -> None:
    for options, message in (
        ({"vary": 1.5}, "--vary=1.5 is out of range; give a number from 0 for no variation to 1"),
        ({"engine": "magic"}, "--engine=magic is not known; it must be one of exemplar, codes, both"),
        ({"tone_db": 40.0}, "--tone=40 is out of range; give a level from -60 to 20 dB"),
        ({"start_s": 1.0}, "--start goes with --engine=codes or both; pieces are taken from the whole example"),
        ({"engine": "codes", "tone_db": 0.0}, "--tone goes with --engine=exemplar or both; codes have the room in"),
        ({"speed": 1}, "Conditional Foley has no option 'speed'; it has engine, start_s, vary, tone_db, rate_hz"),
    ):
        with pytest.raises(UserError, match=message.replace("(", r"\(")):
            Options.of(options)


def test_a_request_by_command(tiny_run: Path, tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", np.random.default_rng(0).integers(0, 256, (71, 30, 50, 3), np.uint8), 29.97)
    (tmp_path / "shots").mkdir()
    write_wav(tmp_path / "shots" / "one.wav", knocks(1, 96_000), 96_000, subtype="FLOAT")
    write_wav(tmp_path / "two.wav", knocks(2, 44_100), 44_100)
    asked = ["--job=generate", f"--video={tmp_path / 'film.mp4'}", f"--output={tmp_path / 'out.mp4'}", "--takes=1"]
    examples = [f"--example={tmp_path / 'shots'}", f"--example={tmp_path / 'two.wav'}"]
    answer = call(*command(tiny_run, *asked, *examples, "--rate=44100", "--vary=0"))
    assert answer.code == 0, answer.err
    wav = read_channels(tmp_path / "out.wav", 44_100)
    assert wav.shape == (round(71 / 29.97 * 44_100), 2)
    write_wav(tmp_path / "silent.wav", np.zeros(4000, np.float32), 16_000)
    (tmp_path / "none").mkdir()
    for further, message in (
        ([f"--example={tmp_path / 'silent.wav'}"], "silent.wav: is silent; give an example that can be heard"),
        ([f"--example={tmp_path / 'none'}"], "none: holds no sounds; name a folder with sound files, or a file"),
        ([*examples, "--vary=2"], "--vary=2 is out of range"),
        ([*examples, "--rate=12345"], "--rate=12345 is no rate that players know"),
    ):
        output = tmp_path / "bad.mp4"
        answer = call(*command(tiny_run, *asked, f"--output={output}", *further))
        assert answer.code == 2 and message in answer.err and not list(tmp_path.glob("bad*"))


@pytest.mark.parametrize(
    ("rate_hz", "channels", "subtype"),
    [
        *((16_000, 1, "PCM_16"), (22_050, 1, "PCM_U8"), (44_100, 2, "PCM_24"), (48_000, 6, "PCM_32")),
        *((96_000, 8, "PCM_24"), (192_000, 2, "FLOAT"), (192_000, 1, "DOUBLE")),
    ],
)
def test_single_sounds_of_every_kind_are_examples(tmp_path: Path, rate_hz: int, channels: int, subtype: str) -> None:
    t = np.arange(round(0.3 * rate_hz)) / rate_hz
    shot = np.repeat((0.7 * np.exp(-t / 0.05) * np.sin(2 * np.pi * 600 * t))[:, None], channels, axis=1)
    write_wav(tmp_path / "shot.wav", shot.astype(np.float32), rate_hz, subtype=subtype)
    with Example.open(tmp_path / "shot.wav") as shot_example:
        library = open_library([shot_example], ALWAYS)
    assert library.clean and len(library.pieces) == 1 and library.channels == min(channels, 2)
    assert library.pieces[0].rate_hz == rate_hz and library.pieces[0].length_s > 0.25
    events = Events(np.array([0.2, 0.6]), np.ones(2), ({"id": 0}, {"id": 1}))
    wav = plan_pieces(library, events, ALWAYS, Options(), seed=0, takes=1).sound(0, 1.0)
    assert wav.shape == (48_000, library.channels) and np.isfinite(wav).all() and np.abs(wav).max() > 0.1
    np.testing.assert_allclose(onset_times(wav.mean(axis=1), 48_000), [0.2, 0.6], atol=0.012)


def test_noise_without_an_attack_works_by_its_most_prominent_moment(foley: Foley, film: Film) -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal((3 * RATE_HZ, 1))).astype(np.float32)
    result = foley.generate(film, Request(example=Example.of_wav(noise, RATE_HZ, "noise")))
    assert result.composed.notes["example_has_attacks"] is False and result.composed.notes["pieces"] == 1
    assert np.abs(result.wavs).max() > 0


def test_codes_imitate_one_example_and_say_which(foley: Foley, film: Film) -> None:
    with pytest.raises(UserError, match="--engine=codes imitates one example, and 2 are given; name one of them"):
        foley.generate(film, Request(example=(example(), example()), options={"engine": "codes"}))
    both = foley.generate(film, Request(example=(example(), example()), options={"engine": "both"}))
    assert both.composed.notes["codes_example"] == "knocks"
