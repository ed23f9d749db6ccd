"""Laws of the world of twelve classes: seeds, contacts that are heard and seen, loudness that is seen, its folder."""

import functools
from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.audio.onsets import onset_events
from vis2sound_jax.errors import UserError
from vis2sound_jax.video.files import probe
from vis2sound_jax.video.form import MediaForm
from vis2sound_jax.world.sounds12 import CLASSES, IMPULSIVE, TEXTURAL
from vis2sound_jax.world.sounds12.canvas import HELD_OUT, SLOTS, Canvas, banded, pulse
from vis2sound_jax.world.sounds12.clip import SoundClip, render_clip
from vis2sound_jax.world.sounds12.voices import draw_contacts, draw_level
from vis2sound_jax.world.sounds12.writer import write_sounds12

FORM = MediaForm(rate_hz=16000, fps=30.0, height=32, width=48)
SECONDS = 3.0


@functools.cache
def clip(name: str, index: int = 0) -> SoundClip:
    return render_clip(0, "train", name, index, SECONDS, FORM)


@pytest.mark.parametrize("name", CLASSES)
def test_a_clip_has_the_form_that_was_asked_for_and_follows_its_seed(name: str) -> None:
    one, same, other = clip(name), render_clip(0, "train", name, 0, SECONDS, FORM), clip(name, 1)
    assert one.frames.shape == (90, 32, 48, 3) and one.wav.shape == (48000,)
    assert one.frames.std() > 5 and 0.05 < np.abs(one.wav).max() <= 1
    np.testing.assert_array_equal(one.frames, same.frames)
    np.testing.assert_array_equal(one.wav, same.wav)
    assert (one.frames != other.frames).any() and (one.wav != other.wav).any()
    assert bool(len(one.contact_s)) is (name in IMPULSIVE)


@pytest.mark.parametrize("name", IMPULSIVE)
def test_every_contact_is_heard_when_it_happens(name: str) -> None:
    one = clip(name, 1)
    heard, confidence = onset_events(one.wav, FORM.rate_hz)
    heard = heard[confidence > 0.05]
    near = [np.abs(heard - at).min() for at in one.contact_s]
    # A beat under the ringing of the last one may hide.
    assert np.mean(np.array(near) < 0.03) > 0.8


@pytest.mark.parametrize("name", [name for name in IMPULSIVE if name != "horse"])
def test_a_contact_is_seen(name: str) -> None:
    one = clip(name, 1)
    moved = np.abs(np.diff(one.frames.astype(float), axis=0)).mean(axis=(2, 3)).max(axis=1)
    at = np.round(one.contact_s * FORM.fps).astype(int)
    around = [moved[max(k - 3, 0) : k + 2].max() for k in at if 2 < k < len(moved)]
    assert np.median(around) >= np.median(moved)


@pytest.mark.parametrize("name", TEXTURAL)
def test_what_goes_on_is_as_loud_as_it_is_drawn(name: str) -> None:
    rng = np.random.default_rng([0, 0, CLASSES.index(name), 0])
    plan_rng, _, _ = rng.spawn(3)
    times_s, level = draw_level(plan_rng, name, SECONDS)
    assert level.min() >= 0 and level.max() <= 1
    wav = clip(name).wav
    steps = wav[: len(wav) // 1600 * 1600].reshape(-1, 1600).std(axis=1)
    drawn = np.interp((np.arange(len(steps)) + 0.5) * 0.1, times_s, level)
    assert np.corrcoef(steps, drawn)[0, 1] > 0.4


def test_train_and_test_draw_from_parts_of_a_range_that_do_not_meet() -> None:
    rng = np.random.default_rng(0)
    slots = {}
    for split in ("train", "test"):
        drawn = np.array([banded(rng, split, 1.0, 100.0) for _ in range(300)])
        assert (drawn >= 1).all() and (drawn <= 100).all()
        slots[split] = set((np.log(drawn) / np.log(100) * SLOTS).astype(int))
    assert slots["test"] == set(HELD_OUT) and slots["train"] == set(range(SLOTS)) - set(HELD_OUT)


@pytest.mark.parametrize("name", IMPULSIVE)
def test_contacts_are_in_order_and_in_the_film(name: str) -> None:
    for seed in range(5):
        times = draw_contacts(np.random.default_rng(seed), name, 5.0, "train")
        assert len(times) >= 1 and (np.diff(times) > 0).all() and 0 < times[0] and times[-1] < 5


def test_a_body_covers_its_place_and_nothing_else() -> None:
    canvas = Canvas(np.random.default_rng(0), 0.2, 10.0, 20, 20)
    canvas.put((0, 0), (0.25, 0.25), (1, 0, 0), box=True)
    assert canvas.frames[0, 10, 10].tolist() == [1, 0, 0] and not canvas.frames[0, 1, 1].any()
    assert canvas.frames[..., 0].sum() / 2 == pytest.approx(100, rel=0.1)


def test_a_pulse_is_highest_at_its_contact() -> None:
    times = np.linspace(0, 1, 101)
    curve = pulse(times, np.array([0.5]), 0.1, 0.1)
    assert curve.argmax() == 50 and curve[50] == 1 and curve[30] == 0 and curve[60] == pytest.approx(np.exp(-1))


def test_the_folder_is_that_of_the_builder_and_goes_on_where_it_was(tmp_path: Path) -> None:
    form = MediaForm(rate_hz=8000, fps=10.0, height=16, width=16)
    told: list[tuple[int, int]] = []
    asked = {"train": 2, "test": 1, "seconds": 1.0, "form": form, "seed": 3}
    write_sounds12(tmp_path, **asked, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (36, 36)
    films = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.mp4"))
    assert len(films) == 36 and films[0] == "break/procedural-test-0000.mp4"
    assert probe(tmp_path / films[0]).duration_s == pytest.approx(1.0, abs=0.11)
    assert (tmp_path / "test.txt").read_text().split() == [f"{name}/procedural-test-0000" for name in CLASSES]
    times = [float(x) for x in (tmp_path / "clock/procedural-train-0001_times.txt").read_text().split()]
    np.testing.assert_allclose(times, render_clip(3, "train", "clock", 1, 1.0, form).contact_s, atol=1e-6)
    assert not (tmp_path / "rain/procedural-train-0001_times.txt").exists()
    before = (tmp_path / films[1]).stat().st_mtime_ns
    (tmp_path / films[0]).unlink()
    write_sounds12(tmp_path, **asked)
    assert (tmp_path / films[0]).exists() and (tmp_path / films[1]).stat().st_mtime_ns == before
    with pytest.raises(UserError, match="describes clips of another seed or other measures; write to an empty"):
        write_sounds12(tmp_path, **(asked | {"seed": 4}))


def test_bad_measures_are_named() -> None:
    with pytest.raises(UserError, match="class 'dog', split 'train'; there are classes break, car"):
        clip("dog")
    with pytest.raises(UserError, match="0.5 s, 32 x 48; take at least 1 s"):
        render_clip(0, "train", "rain", 0, 0.5, FORM)
    with pytest.raises(UserError, match="it needs at least 2 and 1"):
        write_sounds12("unused", train=1, test=1, seconds=1.0, form=FORM, seed=0)
