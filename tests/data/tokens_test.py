"""Laws of the transformer's examples: film and codes share a clock, windows of a pair lie apart."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.data.tokens import (
    TokenRecording,
    aligned_features,
    frame_features,
    load_recordings,
    pair_example,
    sample_starts,
    save_recordings,
    style_of,
    two_windows_long,
    video_window,
    window_pair,
    window_start,
)
from vis2sound_jax.models.grid import tokens_from_grid

FPS, COLUMN_S, COLUMNS, ROWS, FRAMES = 25.0, 0.1, 10, 2, 3


def make_recording(columns: int = 50, events_s: tuple[float, ...] = (0.7, 2.0, 4.1)) -> TokenRecording:
    """A recording that tells the time: features are seconds, codes and mel their own column or frame."""
    seconds = (np.arange(round(columns * COLUMN_S * FPS)) + 0.5) / FPS
    return TokenRecording(
        id=f"ramp-{columns}",
        codes=np.tile(np.arange(columns, dtype=np.int16), (ROWS, 1)),
        mel=np.tile(np.arange(columns * FRAMES) / 1000, (4, 1)).astype(np.float16),
        features=np.stack([seconds, -seconds], axis=1),
        onset=seconds / 10,
        fps=FPS,
        column_s=COLUMN_S,
        event_s=np.array(events_s),
        motion=np.tile(seconds[:, None], (1, 4)).astype(np.float16),
    )


def test_features_on_a_ramp_tell_the_moments_of_each_column() -> None:
    one = make_recording()
    rows = aligned_features(one.features, one.onset, FPS, 1.0, COLUMN_S, 8)
    begin = 1.0 + np.arange(8) * COLUMN_S
    moments = [(0, 0.25, 1), (1, 0.25, -1), (2, 0.75, 1), (3, 0.75, -1)]
    moments += [(4 + k, moment, 0.1) for k, moment in enumerate((0.125, 0.375, 0.625, 0.875))]
    assert rows.shape == (8, 8) and rows.dtype == np.float32
    for place, moment, factor in moments:
        np.testing.assert_allclose(rows[:, place], factor * (begin + moment * COLUMN_S), atol=1e-5)


def test_beyond_the_film_the_nearest_frame_holds() -> None:
    one = make_recording()
    rows = aligned_features(one.features, one.onset, FPS, 4.9, COLUMN_S, 5)
    np.testing.assert_array_equal(rows[1:, 0], one.features[-1, 0].astype(np.float32))
    before = aligned_features(one.features, one.onset, FPS, -1.0, COLUMN_S, 2)
    np.testing.assert_array_equal(before[:, 0], one.features[0, 0].astype(np.float32))
    single = aligned_features(one.features[:1], one.onset[:1], FPS, 0.0, COLUMN_S, 3)
    assert (single == single[0]).all()


def test_the_papers_prefix_spreads_its_frames_over_the_window() -> None:
    one = make_recording()
    rows = frame_features(one.features, FPS, 1.0, 2.0, 4)
    np.testing.assert_allclose(rows[:, 0], [1.25, 1.75, 2.25, 2.75], atol=1e-5)
    np.testing.assert_array_equal(video_window(one, 10, 20, 4), rows)


def test_every_row_of_a_column_has_the_columns_film() -> None:
    one = make_recording()
    window = video_window(one, 5, COLUMNS, 0)
    rows = aligned_features(one.features, one.onset, FPS, 0.5, COLUMN_S, COLUMNS)
    assert window.shape == (ROWS * COLUMNS, 8)
    for row in range(ROWS):
        np.testing.assert_array_equal(window[row::ROWS], rows)


@pytest.mark.parametrize("columns", [20, 21, 25, 29, 30, 31, 50])
@pytest.mark.parametrize("events_s", [(0.7, 2.0), ()])
def test_windows_of_a_pair_never_overlap_where_there_is_room(columns: int, events_s: tuple[float, ...]) -> None:
    one = make_recording(columns, events_s)
    drawn = {sample_starts(one, np.random.default_rng(seed), COLUMNS) for seed in range(200)}
    for target, condition in drawn:
        assert abs(target - condition) >= COLUMNS
        assert 0 <= min(target, condition) and max(target, condition) <= columns - COLUMNS
    assert len({target for target, _ in drawn}) > min(5, columns - 2 * COLUMNS)


def test_recordings_shorter_than_two_windows_are_left_out_and_counted() -> None:
    phases = [replace(make_recording(length), id=name) for name, length in (("a", 19), ("a", 18), ("b", 20), ("b", 19))]
    kept, notes = two_windows_long([*phases, make_recording(40)], COLUMNS)
    assert [one.codes.shape[1] for one in kept] == [20, 40]
    assert notes == {"recordings": 2, "too_short": 1}
    with pytest.raises(ValueError, match="has 19 columns, less than two windows of 10; leave it out"):
        sample_starts(phases[0], np.random.default_rng(0), COLUMNS)


def test_windows_are_drawn_around_events() -> None:
    rng = np.random.default_rng(0)
    starts = [window_start(np.array([2.05]), COLUMNS, COLUMN_S, 40, rng) for _ in range(200)]
    assert all(start * COLUMN_S <= 2.05 < (start + COLUMNS) * COLUMN_S for start in starts)
    assert max(starts) - min(starts) >= 6
    assert {window_start(np.array([0.01]), COLUMNS, COLUMN_S, 40, rng) for _ in range(20)} == {0}
    assert {window_start(np.array([4.99]), COLUMNS, COLUMN_S, 40, rng) for _ in range(20)} == {40}


@pytest.mark.parametrize("book", [0, 64])
def test_a_pair_is_cut_from_codes_film_and_mel_at_the_same_time(book: int) -> None:
    one, other = make_recording(), replace(make_recording(), codes=make_recording().codes + 1)
    pair = window_pair(one, 20, other, 3, columns=COLUMNS, book=book)
    for name, recording, start in (("target", one, 20), ("condition", other, 3)):
        cut = recording.codes[None, :, start : start + COLUMNS].astype(np.int32)
        np.testing.assert_array_equal(pair[name], tokens_from_grid(cut, book)[0])
        np.testing.assert_allclose(pair[f"{name}_video"][0, 0], start * COLUMN_S + 0.025, atol=1e-5)
    np.testing.assert_array_equal(pair["style"], style_of(other.mel[:, 9:39]))


def test_a_training_example_is_a_pair_of_one_recording() -> None:
    one = make_recording()
    example = pair_example(one, np.random.default_rng(3), columns=COLUMNS, book=64)
    starts = sample_starts(one, np.random.default_rng(3), COLUMNS)
    expected = window_pair(one, starts[0], one, starts[1], columns=COLUMNS, book=64)
    assert set(example) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(example[name], value)
    prefix = pair_example(one, np.random.default_rng(3), columns=COLUMNS, book=0, prefix_frames=6)
    assert prefix["target_video"].shape == (6, 2)


def test_style_is_blind_to_where_in_the_example_the_sounds_lie() -> None:
    mel = np.random.default_rng(0).uniform(size=(4, 30)).astype(np.float32)
    order = np.random.default_rng(1).permutation(30)
    style = style_of(mel)
    assert style.shape == (12,)
    np.testing.assert_allclose(style_of(mel[:, order]), style, atol=1e-6)
    loud = np.argsort(mel.mean(axis=0))[-3:]
    np.testing.assert_allclose(style[8:], mel[:, loud].mean(axis=1), atol=1e-6)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    recordings = [make_recording(), make_recording(12, ())]
    save_recordings(tmp_path / "cache/train.npz", recordings)
    loaded = load_recordings(tmp_path / "cache/train.npz")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["train.npz"]
    for before, after in zip(recordings, loaded, strict=True):
        for field in fields(TokenRecording):
            old, new = getattr(before, field.name), getattr(after, field.name)
            assert type(old) is type(new)
            np.testing.assert_array_equal(old, new)
    save_recordings(tmp_path / "cache/train.npz", [])
    assert load_recordings(tmp_path / "cache/train.npz") == []
