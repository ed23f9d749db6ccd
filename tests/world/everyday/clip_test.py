"""Laws of everyday films: the same seed draws the same film, and what is heard is seen."""

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.world.everyday.clip import EverydayClip, FilmForm, everyday_clip

FORM = FilmForm(frames=48, fps=25.0, height=24, width=40)


@pytest.fixture(scope="module")
def clips() -> list[EverydayClip]:
    return [everyday_clip(0, index, FORM) for index in range(24)]


def test_films_have_their_form_and_ascending_times_near_the_film(clips: list[EverydayClip]) -> None:
    for clip in clips:
        assert (clip.frames.shape, clip.frames.dtype) == ((48, 24, 40), np.uint8)
        assert (np.diff(clip.event_s) >= 0).all()
        assert ((clip.event_s >= -0.5) & (clip.event_s < 48 / 25 + 0.5)).all()


def test_a_film_depends_on_seed_and_index_alone(clips: list[EverydayClip]) -> None:
    again = everyday_clip(0, 3, FORM)
    np.testing.assert_array_equal(again.frames, clips[3].frames)
    np.testing.assert_array_equal(again.event_s, clips[3].event_s)
    assert not np.array_equal(everyday_clip(1, 3, FORM).frames, clips[3].frames)


def test_most_films_move_and_have_events_and_some_have_none(clips: list[EverydayClip]) -> None:
    counts = [len(clip.event_s) for clip in clips]
    assert np.median(counts) >= 1 and min(counts) == 0
    assert np.mean([np.diff(clip.frames.astype(int), axis=0).any() for clip in clips]) > 0.8


def test_around_an_event_the_picture_changes_more_than_elsewhere(clips: list[EverydayClip]) -> None:
    near, all_frames = [], []
    for clip in clips:
        change = np.abs(np.diff(clip.frames.astype(float), axis=0)).mean(axis=(1, 2))
        places = np.unique(np.clip((clip.event_s * 25).astype(int), 0, len(change) - 1))
        near += list(change[places] / (change.mean() + 1e-3))
        all_frames += list(change / (change.mean() + 1e-3))
    assert np.mean(near) > 1.1 * np.mean(all_frames)


def test_sizes_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(UserError, match="multiples of 8"):
        FilmForm(height=50)
