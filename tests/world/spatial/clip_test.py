"""Scenes: what is seen is where it is heard, and what is held out is held out."""

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.evaluation.azimuth import azimuth_deg
from vis2sound_jax.world.spatial.clip import FIELD_DEG, SceneForm, azimuth_of, place_of, spatial_clip
from vis2sound_jax.world.spatial.kinds import KINDS, Kind, sound_of
from vis2sound_jax.world.spatial.splits import SPLITS

WINDOW = SceneForm(seconds=0.63, fps=1, moving=False, sources=(1, 1))
SHORT = SceneForm(seconds=1.0, sources=(2, 3))


def test_the_same_arguments_give_the_same_scene_and_others_another() -> None:
    one, same, other = (spatial_clip(0, "train", index, SHORT) for index in (0, 0, 1))
    np.testing.assert_array_equal(one.frames, same.frames)
    np.testing.assert_array_equal(one.ears, same.ears)
    assert one.things == same.things
    assert one.frames.shape != other.frames.shape or np.any(one.frames != other.frames)
    assert np.any(spatial_clip(0, "test", 0, SHORT).frames != one.frames)


def test_shapes_levels_and_the_sum_of_images() -> None:
    clip = spatial_clip(0, "rooms", 3, SceneForm(seconds=0.5, sources=(3, 3), height=32, width=80))
    assert clip.frames.shape == (5, 32, 80, 3) and clip.frames.dtype == np.uint8
    assert clip.ears.shape == (2, 8000) and clip.images.shape == (3, 2, 8000) and clip.dry.shape == (3, 8000)
    np.testing.assert_allclose(clip.images.sum(axis=0), clip.ears, atol=1e-6)
    assert np.abs(clip.ears).max() < 1 and clip.room is not None
    assert len({thing.kind.name for thing in clip.things}) == 3


@pytest.mark.parametrize("index", range(4))
def test_a_thing_is_heard_where_it_is_seen(index: int) -> None:
    clip = spatial_clip(1, "heads", index, WINDOW)
    (thing,) = clip.things
    if clip.room is None:
        assert azimuth_deg(clip.ears, clip.head) == pytest.approx(thing.middle_deg, abs=4)
    frame = clip.frames[0].astype(float)
    # Things are the only colourful places of a picture.
    colourful = np.ptp(frame, axis=2) > 100
    across = np.flatnonzero(colourful.any(axis=0))
    place = (across[0] + across[-1] + 1) / 2 / frame.shape[1]
    assert azimuth_of(place) == pytest.approx(thing.middle_deg, abs=5)


def test_a_moving_thing_moves_in_the_picture_and_in_the_ears() -> None:
    form = SceneForm(seconds=3, sources=(1, 1))
    clip = next(
        found
        for found in (spatial_clip(2, "train", index, form) for index in range(30))
        if found.room is None and np.ptp(found.azimuth_deg) > 12
    )
    windows = [clip.ears[:, start : start + 4800] for start in range(0, 43_200, 4800)]
    heard = [azimuth_deg(window, clip.head) for window in windows]
    true = clip.azimuth_deg[0, 1:28:3]
    assert np.corrcoef(heard, true)[0, 1] > 0.9
    assert np.any(clip.frames[0] != clip.frames[-1])


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_keeps_to_its_ranges_and_what_is_held_out_was_never_trained_on(split: str) -> None:
    ranges, trained = SPLITS[split], SPLITS["train"]
    held = {"timbres": {"tones"}, "azimuths": {"azimuths_deg"}, "heads": {"head_radii_m"}}.get(split, set())
    held = {"tones", "azimuths_deg", "head_radii_m"} if split == "everything" else held
    inside = lambda value, bands: any(low <= value <= high for low, high in bands)  # noqa: E731
    for index in range(12):
        clip = spatial_clip(0, split, index, SceneForm(seconds=0.05, sources=(1, 3), moving=False))
        drawn = [("head_radii_m", clip.head.radius_m)]
        for thing in clip.things:
            drawn += [("tones", thing.tone), ("azimuths_deg", abs(thing.middle_deg))]
        for name, value in drawn:
            assert inside(value, getattr(ranges, name))
            assert inside(value, getattr(trained, name)) == (name not in held)
        if split in ("rooms", "everything"):
            assert clip.room is not None and not inside(clip.room.absorption, trained.absorptions)


def test_a_moving_thing_stays_in_its_range() -> None:
    for index in range(8):
        clip = spatial_clip(0, "azimuths", index, SceneForm(seconds=1, rate_hz=8000, sources=(1, 1)))
        bands = SPLITS["azimuths"].azimuths_deg
        for track in np.abs(clip.azimuth_deg):
            assert any(low <= track.min() and track.max() <= high for low, high in bands)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_sounds_like_no_other(kind: Kind) -> None:
    """Its middle frequency grows with the tone; see `kinds.sound_of` for the level."""
    rng = np.random.default_rng(0)
    low, high = (sound_of(kind, rng, tone, 16_000, 16_000) for tone in (0.0, 1.0))
    middle = lambda wav: np.average(np.arange(8001), weights=np.abs(np.fft.rfft(wav)) ** 2)  # noqa: E731
    assert np.mean(low**2) == pytest.approx(1, rel=1e-3)
    assert middle(high) > 1.2 * middle(low)


def test_places_across_the_picture() -> None:
    assert (place_of(-FIELD_DEG), place_of(0), place_of(FIELD_DEG)) == (0, 0.5, 1)
    assert azimuth_of(place_of(33)) == pytest.approx(33)


def test_scenes_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(UserError, match="has 2 to 4 sources; choose 1 to 3"):
        SceneForm(sources=(2, 4))
    with pytest.raises(UserError, match="is 8 x 112 pixels and 3.0 s; choose 16 x 16"):
        SceneForm(height=8)
    with pytest.raises(UserError, match="scenes have no split 'tests'; use one of train, test, timbres"):
        spatial_clip(0, "tests", 0, SHORT)
