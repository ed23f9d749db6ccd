"""Laws of the encoder's examples: the curve peaks where it sounds, whatever speed the clip is played at."""

import numpy as np
import pytest

from vis2sound_jax.data.targets import Heard, SilentFilm, encoder_example, hear, onset_curve
from vis2sound_jax.models.views import grey_views
from vis2sound_jax.prepare.sources import open_records
from vis2sound_jax.video.files import decode_jpeg


@pytest.fixture(scope="module")
def heard(prepared) -> list[Heard]:
    progress: list[tuple[int, int]] = []
    found = hear(
        open_records(prepared, "train"), bands=4, sound=False, progress=lambda *numbers: progress.append(numbers)
    )
    assert progress == [(k + 1, len(found)) for k in range(len(found))]
    return found


def test_the_curve_peaks_at_the_event_by_its_weight_and_spread() -> None:
    at_s = (np.arange(40) + 0.5) / 20
    curve = onset_curve(np.array([0.425, 1.225]), np.array([1.0, 0.5]), at_s, 0.05)
    assert curve.dtype == np.float32 and curve.shape == (40,)
    assert curve[8] == pytest.approx(1.0) and curve[24] == pytest.approx(0.5)
    assert curve[9] == pytest.approx(np.exp(-0.5), rel=1e-5) == curve[7]
    # Of events close together the higher bump counts: the curve never exceeds 1.
    assert onset_curve(np.array([0.4, 0.41, 0.42]), np.ones(3), at_s, 0.05).max() <= 1.0
    assert not onset_curve(np.zeros(0), np.zeros(0), at_s, 0.05).any()


def test_bands_are_loud_where_it_clicks(heard: list[Heard], hits_s) -> None:
    fps = heard[0].record["fps"]
    for one in heard:
        assert one.bands.shape == (len(one.record["frames"]), 4)
        assert one.bands.min() >= 0 and one.bands.max() <= 1
        # The mel's window of 1024 samples is longer here than a frame.
        loud_s = (np.flatnonzero(one.bands.max(axis=1) > 0.2) + 0.5) / fps
        distance = np.abs(np.subtract.outer(loud_s, hits_s))
        assert distance.min(axis=0).max() <= 0.5 / fps + 1e-6 and distance.min(axis=1).max() <= 1.5 / fps


def test_onsets_come_from_the_annotation_or_from_the_sound(heard: list[Heard], prepared, hits_s) -> None:
    records = list(open_records(prepared, "train"))
    unlabelled = {**records[0], "event_time_s": np.zeros(0, np.float32), "annotated": False}
    listened, bare = hear([records[0], unlabelled], bands=4, sound=True)[0], hear([unlabelled], bands=4, sound=False)[0]
    np.testing.assert_allclose(heard[0].onset_s, hits_s, atol=1e-6)
    np.testing.assert_array_equal(heard[0].weight, [1, 1, 1])
    for one in (listened, bare):
        sure = one.onset_s[one.weight > 0.9]
        np.testing.assert_allclose(sure, hits_s, atol=0.03)
        assert (one.weight > 0).all() and (one.weight <= 1).all()


def test_a_plain_clip_is_cut_from_the_film(heard: list[Heard]) -> None:
    example = encoder_example(heard[0], np.random.default_rng(0), frames=50, spread_s=0.03, bands=4, augment=False)
    assert example["frames"].shape == (50, 16, 24) and example["frames"].dtype == np.uint8
    flashes = np.flatnonzero(example["frames"].mean((1, 2)) > 120)
    np.testing.assert_array_equal(flashes, [8, 20, 35])
    np.testing.assert_array_equal(example["bands"], heard[0].bands)
    # Each flash lasts from its event to the next frame; the curve is read in the middle of frames.
    np.testing.assert_allclose(example["onset"][flashes], np.exp(-0.5 * (0.05 / 0.03) ** 2), rtol=1e-3)


def test_augmented_clips_keep_picture_and_curve_together(heard: list[Heard]) -> None:
    turned = set()
    for seed in range(12):
        example = encoder_example(heard[1], np.random.default_rng(seed), frames=24, spread_s=0.06, bands=4)
        view, seed_of_noise = example.pop("view"), example.pop("view_seed")
        assert view.dtype == np.float32 and view.shape == (10,) and seed_of_noise.dtype == np.uint32
        assert example.pop("heard") == 1
        assert {name: len(value) for name, value in example.items()} == dict.fromkeys(example, 24)
        shown = np.asarray(grey_views(example["frames"][None], view[None], np.array([seed_of_noise])))[0]
        turned.add(bool(shown[0].mean() > 128))
        brightness = shown.mean((1, 2))
        jumps = np.flatnonzero(np.abs(np.diff(brightness, prepend=brightness[0])) > 40)
        for peak in np.flatnonzero(example["onset"] > 0.6):
            assert np.abs(jumps - peak).min() <= 1
    assert turned == {True, False}


def test_decoded_films_give_the_same_examples(heard: list[Heard]) -> None:
    grey = np.stack([decode_jpeg(frame, grey=True) for frame in heard[0].record["frames"]])
    for seed in range(4):
        one, other = (
            encoder_example(each, np.random.default_rng(seed), frames=60, spread_s=0.03, bands=4)
            for each in (heard[0], heard[0]._replace(film=grey))
        )
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])


def test_the_same_seed_cuts_the_same_clip(heard: list[Heard]) -> None:
    first, second = (
        encoder_example(heard[0], np.random.default_rng(5), frames=9, spread_s=0.03, bands=4) for _ in range(2)
    )
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


def test_nothing_is_known_outside_of_the_annotated_span_or_beyond_the_film(heard: list[Heard]) -> None:
    one = heard[0]._replace(record={**heard[0].record, "span_s": np.array([1.0, 3.0], np.float32)})
    example = encoder_example(one, np.random.default_rng(0), frames=60, spread_s=0.03, bands=4, augment=False)
    np.testing.assert_array_equal(np.flatnonzero(example["mask"]), np.arange(10, 30))
    long = encoder_example(heard[0], np.random.default_rng(0), frames=60, spread_s=0.03, bands=4, augment=False)
    np.testing.assert_array_equal(np.flatnonzero(long["mask"]), np.arange(50))
    np.testing.assert_array_equal(long["frames"][50:], np.repeat(long["frames"][49:50], 10, axis=0))


def test_a_film_without_sound_has_onsets_and_no_bands() -> None:
    frames = np.zeros((30, 16, 24), np.uint8)
    frames[12:] = 200
    film = SilentFilm(frames, 25.0, np.array([0.5]))
    example = encoder_example(film, np.random.default_rng(0), frames=29, spread_s=0.03, bands=4, augment=False)
    start = 12 - int(np.flatnonzero(example["frames"].any(axis=(1, 2)))[0])
    assert np.argmax(example["onset"]) + start in (11, 12)
    assert example["heard"] == 0 and example["bands"].shape == (29, 4) and not example["bands"].any()
    assert example["mask"].all()
