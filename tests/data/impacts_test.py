"""Laws of clips around impacts: times at the sound's peaks, impacts in the middle, three steps of sound a frame."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vis2sound_jax.audio.cochlear_pca import RootPCA, from_targets
from vis2sound_jax.data.impacts import (
    CLIP_FRAMES,
    STEPS,
    Clip,
    FilmNotes,
    Streams,
    centred_clips,
    impact_example,
    impact_times,
    labels,
    sequences,
    sound_steps,
)
from vis2sound_jax.data.rows import Rows, RowWriter

FPS, FRAMES, CHANNELS = 30.0, 60, 4


def notes(**changes: Any) -> FilmNotes:
    """A film of two seconds that is struck three times, at times that its peaks correct."""
    plain = FilmNotes(
        id="film", frames=FRAMES, fps=FPS, duration_s=2.0, event_s=[0.1, 1.0, 1.9], material=["wood", "metal", "None"],
        action=["hit"] * 3, reaction=["None"] * 3, span_s=(0.0, 2.0), peak_s=[1.03, 1.2], peak_height=[0.2, 0.1],
    )  # fmt: skip
    return dataclasses.replace(plain, **changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows that say where they come from: sound, motion and look, the last two also mirrored."""
    folder = tmp_path_factory.mktemp("rows")
    steps, frames = np.arange(STEPS * FRAMES), np.arange(FRAMES)
    stores = {"sound": np.repeat(steps[:, None] / 64.0, CHANNELS, axis=1) * np.arange(1, CHANNELS + 1)}
    for name, sign in (("plain", 1), ("mirrored", -1)):
        stores[f"motion_{name}"] = sign * frames[:, None] * np.ones((1, 2))
        stores[f"still_{name}"] = sign * (100 + frames[:, None]) * np.ones((1, 3))
    for name, rows in stores.items():
        with RowWriter(folder, name) as writer:
            writer.add("film", rows)
    return folder


def streams(folder: Path, name: str = "plain") -> Streams:
    return Streams(Rows(folder, f"motion_{name}"), Rows(folder, f"still_{name}"))


@pytest.mark.parametrize(("peak_s", "expected"), [(1.03, 1.03), (0.95, 0.95), (1.119, 1.119), (1.2, 1.0), (0.9, 1.0)])
def test_an_event_moves_to_a_peak_that_is_near(peak_s: float, expected: float) -> None:
    """Near is 0.1 s about the 20 ms by which peaks come late."""
    assert impact_times(notes(event_s=[1.0], peak_s=[peak_s])) == [expected]


def test_each_event_takes_its_own_peak_and_silence_leaves_the_annotation() -> None:
    assert impact_times(notes()) == [0.1, 1.03, 1.9]
    assert impact_times(notes(peak_s=[], peak_height=[])) == notes().event_s
    assert impact_times(notes(event_s=[])) == []


def test_the_impact_lies_in_the_middle_frame() -> None:
    (clip,) = centred_clips([notes()])
    assert clip == Clip("film", 30 - CLIP_FRAMES // 2, 1)
    first_step = STEPS * clip.first
    assert first_step + 21 <= 1.03 * FPS * STEPS < first_step + 24


@pytest.mark.parametrize(("frame", "kept"), [(6, False), (7, True), (52, True), (53, False)])
def test_clips_that_would_leave_the_film_are_left_out(frame: int, *, kept: bool) -> None:
    found = centred_clips([notes(event_s=[(frame + 0.5) / FPS], peak_s=[])])
    assert [clip.first for clip in found] == [frame - 7] * kept


def test_sequences_overlap_and_stay_inside() -> None:
    found = sequences([notes(), notes(id="short", frames=29), notes(id="exact", frames=30)], 30)
    assert found == [Clip("film", 0), Clip("film", 15), Clip("film", 30), Clip("exact", 0)]


def test_labels_are_those_of_the_event() -> None:
    films = {"film": notes()}
    clips = [Clip("film", 0, 1), Clip("film", 0, 2), Clip("film", 0)]
    assert labels(clips, films, "material") == ["metal", "None", "None"]


def test_notes_survive_json() -> None:
    assert FilmNotes(**notes().as_dict()) == notes()


def test_sound_has_three_steps_a_frame(folder: Path) -> None:
    heard, mask = sound_steps(Rows(folder, "sound"), Clip("film", 10), 5)
    np.testing.assert_array_equal(heard[:, 0] * 64, np.arange(30, 45))
    assert heard.dtype == np.float32 and mask.all()


def test_lag_takes_earlier_sound_and_masks_what_was_before_the_film(folder: Path) -> None:
    sounds = Rows(folder, "sound")
    late, mask = sound_steps(sounds, Clip("film", 10), 5, lag=2)
    np.testing.assert_array_equal(late, sound_steps(sounds, Clip("film", 8), 5)[0])
    assert mask.all()
    start, mask = sound_steps(sounds, Clip("film", 1), 5, lag=2)
    np.testing.assert_array_equal(mask, [0] * 3 + [1] * 12)
    np.testing.assert_array_equal(start[3:], sound_steps(sounds, Clip("film", 0), 4)[0])
    _, mask = sound_steps(sounds, Clip("film", FRAMES - 2), 4)
    np.testing.assert_array_equal(mask, [1] * 6 + [0] * 6)


def test_streams_hold_the_last_frame_and_take_the_first_look(folder: Path) -> None:
    motion, still = streams(folder).cut(Clip("film", FRAMES - 3), 5)
    np.testing.assert_array_equal(motion[:, 0], [57, 58, 59, 59, 59])
    np.testing.assert_array_equal(still, [157] * 3)
    assert motion.dtype == still.dtype == np.float32


def test_an_example_is_a_view_of_a_clip_and_its_target_is_its_sound(folder: Path) -> None:
    pca = RootPCA(np.full(CHANNELS, 0.5, np.float32), np.eye(CHANNELS, dtype=np.float32))
    views, sounds = [streams(folder), streams(folder, "mirrored")], Rows(folder, "sound")
    seen = set()
    for seed in range(8):
        example = impact_example(
            Clip("film", 20), np.random.default_rng(seed), views=views, sounds=sounds, pca=pca, frames=15, lag=2
        )
        shapes = {"motion": (15, 2), "still": (3,), "target": (45, CHANNELS), "norm": (45,), "mask": (45,)}
        assert {name: value.shape for name, value in example.items()} == shapes
        assert {value.dtype for value in example.values()} == {np.dtype(np.float32)}
        # What moves and what it looks like come from the same view.
        assert np.sign(example["motion"][0, 0]) == np.sign(example["still"][0])
        seen.add(float(np.sign(example["still"][0])))
        heard, _ = sound_steps(sounds, Clip("film", 18), 15)
        np.testing.assert_allclose(from_targets(example["target"], pca), heard, rtol=1e-5)
        np.testing.assert_allclose(example["norm"] ** 2, heard.sum(axis=1), rtol=1e-5)
    assert seen == {1.0, -1.0}
