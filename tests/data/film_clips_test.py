"""Laws of the streams' examples: grey film, colour frames, onsets and sound are of the same moments and views."""

import dataclasses
import functools

import numpy as np
import pytest

from vis2sound_jax.audio.cochlear_pca import RootPCA, to_targets
from vis2sound_jax.data.film_clips import HeardFilm, find_timbres, heard_films, stream_example
from vis2sound_jax.data.impacts import STEPS, FilmNotes
from vis2sound_jax.data.rows import Rows, RowWriter
from vis2sound_jax.prepare.sources import open_records
from vis2sound_jax.video.files import decode_jpeg

PCA = RootPCA(np.full(3, 0.2, np.float32), np.eye(3, 2, dtype=np.float32))
EVERY = 5
cut = functools.partial(stream_example, frames=20, every=EVERY, spread_s=0.05)
plain = functools.partial(cut, augment=False)


@pytest.fixture(scope="module")
def sounds(prepared, tmp_path_factory) -> Rows:
    folder, rng = tmp_path_factory.mktemp("sounds"), np.random.default_rng(0)
    with RowWriter(folder, "train") as writer:
        for record in open_records(prepared, "train"):
            writer.add(record["id"], rng.uniform(0, 1, (STEPS * len(record["frames"]), 3)))
    return Rows(folder, "train")


@pytest.fixture(scope="module")
def films(prepared, sounds: Rows) -> list[HeardFilm]:
    """Dark films that flash where they click."""
    records = open_records(prepared, "train")
    notes = [FilmNotes.of(record, (np.zeros(0), np.zeros(0))) for record in records]
    return heard_films(records, sounds, notes, PCA, find_timbres(sounds, notes, 2, seed=0))


def test_sound_is_scaled_components_frame_by_frame(films: list[HeardFilm], sounds: Rows, hits_s) -> None:
    power = np.mean([np.mean(one.sound.astype(np.float32) ** 2) for one in films])
    assert power == pytest.approx(1.0, rel=1e-2)
    for one in films:
        targets = np.asarray(to_targets(np.asarray(sounds[one.notes.id], np.float32), PCA))
        assert one.sound.shape == (one.notes.frames, 2 * STEPS)
        ratio = one.sound.reshape(targets.shape) / targets
        np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-2)
        np.testing.assert_allclose(one.onset_s, hits_s, atol=1e-5)


def test_a_film_without_annotation_is_heard_at_its_peaks(prepared, sounds: Rows) -> None:
    empty = {"event_time_s": np.zeros(0, np.float32), "annotated": False}
    records = [{**record, **empty} for record in open_records(prepared, "train")]
    notes = [FilmNotes.of(record, (np.array([1.5]), np.array([0.3]))) for record in records]
    for one in heard_films(records, sounds, notes, PCA, np.zeros((0, 1))):
        np.testing.assert_array_equal(one.onset_s, [1.5])


def test_an_annotated_film_without_events_has_none_whatever_its_peaks_are(prepared, sounds: Rows) -> None:
    records = [{**record, "event_time_s": np.zeros(0, np.float32)} for record in open_records(prepared, "train")]
    notes = [FilmNotes.of(record, (np.array([1.5]), np.array([0.3]))) for record in records]
    assert all(not len(one.onset_s) for one in heard_films(records, sounds, notes, PCA, np.zeros((0, 1))))


def test_impacts_that_sound_alike_are_of_one_kind(films: list[HeardFilm], prepared, tmp_path) -> None:
    records, low, high = open_records(prepared, "train"), [1.0, 0.1, 0.1], [0.1, 0.1, 1.0]
    notes = [one.notes for one in films]
    with RowWriter(tmp_path, "alike") as writer:
        for number, one in enumerate(notes):
            writer.add(one.id, np.tile(np.float32(low if number % 2 else high), (STEPS * one.frames, 1)))
    alike = Rows(tmp_path, "alike")
    kinds = [one.timbre for one in heard_films(records, alike, notes, PCA, find_timbres(alike, notes, 2, seed=0))]
    for kind, one in zip(kinds, notes, strict=True):
        assert len(set(kind[kind >= 0])) == 1 and (kind < 0).any()
        assert (kind[[int(t * one.fps) for t in one.event_s]] >= 0).all()
    assert len({int(kind.max()) for kind in kinds[:2]}) == 2


def test_colour_frames_are_the_shown_frames(films: list[HeardFilm]) -> None:
    for seed in range(6):
        for make in (plain, cut):
            example = make(films[0], np.random.default_rng(seed))
            grey, stills = example["frames"].astype(float), example["stills"].astype(float)
            assert grey.shape == (20, 16, 24) and stills.shape == (4, 16, 24, 3)
            assert example["frames"].dtype == example["stills"].dtype == np.uint8
            # These films are grey, so a colour frame and its grey one are equal.
            assert np.abs(grey[::EVERY] - stills.mean(-1)).max() < 4


def test_it_is_drawn_how_a_clip_is_altered_but_for_plain_ones(films: list[HeardFilm]) -> None:
    views = [cut(films[0], np.random.default_rng(seed)) for seed in range(8)]
    assert all(one["view"].shape == (10,) and one["view_seed"].dtype == np.uint32 for one in views)
    assert len({one["view"].tobytes() for one in views}) == len({int(one["view_seed"]) for one in views}) == 8
    assert not {"view", "view_seed"} & set(plain(films[0], np.random.default_rng(0)))


def test_decoded_films_give_the_same_clips(films: list[HeardFilm]) -> None:
    grey = np.stack([decode_jpeg(frame, grey=True) for frame in films[0].record["frames"]])
    for seed in range(4):
        one, other = (cut(film, np.random.default_rng(seed)) for film in (films[0], films[0]._replace(film=grey)))
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])


def test_onsets_and_sound_follow_the_shown_frames(films: list[HeardFilm]) -> None:
    for seed in range(6):
        example = plain(films[1], np.random.default_rng(seed))
        flashes = np.flatnonzero(example["frames"].mean((1, 2)) > 120)
        # Each flash lasts from its event to the next frame; the curve is read in the middle of frames.
        np.testing.assert_allclose(example["onset"][flashes], np.exp(-0.5), rtol=1e-3)
        found = np.flatnonzero(example["onset"] > 0.5)
        assert set(found[found > 0]) <= {*flashes, *(flashes - 1), 19}
        starts = np.flatnonzero((films[1].sound == example["sound"][0].astype(np.float16)).all(axis=1))
        np.testing.assert_array_equal(example["sound"], films[1].sound[starts[0] : starts[0] + 20].astype(np.float32))


def test_nothing_is_known_outside_of_the_annotated_span_or_beyond_the_film(films: list[HeardFilm]) -> None:
    rng = np.random.default_rng(0)
    long = stream_example(films[0], rng, frames=60, every=20, spread_s=0.05, augment=False)
    np.testing.assert_array_equal(np.flatnonzero(long["mask"]), np.arange(50))
    np.testing.assert_array_equal(long["frames"][50:], np.repeat(long["frames"][49:50], 10, axis=0))
    notes = dataclasses.replace(films[0].notes, span_s=(1.0, 3.0))
    part = stream_example(films[0]._replace(notes=notes), rng, frames=60, every=20, spread_s=0.05, augment=False)
    np.testing.assert_array_equal(np.flatnonzero(part["mask"]), np.arange(10, 30))


def test_most_clips_are_around_an_event(films: list[HeardFilm], hits_s) -> None:
    """Placed anywhere, clips of 6 frames would meet one of the three flashes in two of five cases."""
    rng = np.random.default_rng(1)
    clips = [stream_example(films[0], rng, frames=6, every=6, spread_s=0.05, augment=False) for _ in range(60)]
    share = np.mean([(clip["frames"].mean((1, 2)) > 120).any() for clip in clips])
    assert share > 0.6
    starts = {float(clip["sound"][0, 0]) for clip in clips}
    assert len(starts) > 8


def test_the_same_seed_cuts_the_same_clip(films: list[HeardFilm]) -> None:
    first, second = (cut(films[0], np.random.default_rng(5)) for _ in range(2))
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])
