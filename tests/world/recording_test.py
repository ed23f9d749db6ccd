"""Laws of a whole recording: the seed decides it to the byte; picture, sound and labels agree."""

import numpy as np
import pytest

from vis2sound_jax.audio.onsets import onset_times
from vis2sound_jax.errors import UserError
from vis2sound_jax.world.film import draw_still
from vis2sound_jax.world.materials import MATERIALS, REACTIONS
from vis2sound_jax.world.recording import Measures, Recording, recording_rng, render_recording
from vis2sound_jax.world.scene import MARGIN, SIZE_RANGE, draw_scene, draw_size
from vis2sound_jax.world.textures import PAINTERS, cells_noise, fractal_noise, paint

SMALL = Measures(seconds=6.0, fps=25.0, height=36, width=64, rate_hz=16000)


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    return [render_recording(0, "train", index, SMALL) for index in range(8)]


def test_shapes_and_ranges(recordings: list[Recording]) -> None:
    for recording in recordings:
        assert recording.frames.shape == (150, 36, 64, 3) and recording.frames.dtype == np.uint8
        assert recording.wav.shape == (96000,) and recording.wav.dtype == np.float32
        assert 0.09 < np.abs(recording.wav).max() <= 1
        assert 5 < recording.frames.mean() < 250 and recording.frames.std() > 3


def test_events_are_labelled_and_inside_the_film(recordings: list[Recording]) -> None:
    for recording in recordings:
        times = [event.time_s for event in recording.events]
        assert times == sorted(times) and 0.3 < times[0] and times[-1] < 6
        for event in recording.events:
            assert event.material in MATERIALS and event.reaction in REACTIONS
            assert event.action in ("hit", "scratch")
        assert len({event.material for event in recording.events}) <= 2


def test_the_same_seed_gives_the_same_bytes(recordings: list[Recording]) -> None:
    again = render_recording(0, "train", 3, SMALL)
    assert again.frames.tobytes() == recordings[3].frames.tobytes()
    assert again.wav.tobytes() == recordings[3].wav.tobytes()
    assert again.events == recordings[3].events


def test_seed_split_and_index_all_matter(recordings: list[Recording]) -> None:
    for other in (
        render_recording(1, "train", 0, SMALL),
        render_recording(0, "test", 0, SMALL),
        recordings[1],
    ):
        assert not np.array_equal(other.frames, recordings[0].frames)
        assert not np.array_equal(other.wav, recordings[0].wav)


def test_the_picture_moves_more_before_a_contact_than_the_film_does_on_the_whole(
    recordings: list[Recording],
) -> None:
    ratios = []
    for recording in recordings:
        motion = np.abs(np.diff(recording.frames.astype(np.float32), axis=0)).mean((1, 2, 3))
        near = [motion[max(0, round(e.time_s * 25) - 4) : round(e.time_s * 25) + 1].max() for e in recording.events]
        ratios.append(np.mean(near) / np.median(motion))
    assert np.median(ratios) > 1.15


def test_the_sound_has_its_onsets_at_the_events(recordings: list[Recording]) -> None:
    found = total = 0
    for recording in recordings:
        onsets = onset_times(recording.wav, recording.rate_hz)
        for event in recording.events:
            total += 1
            found += bool(np.min(np.abs(onsets - event.time_s), initial=9) < 0.1)
    assert found / total >= 0.8


def test_sizes_of_train_and_test_do_not_meet() -> None:
    rng = np.random.default_rng(0)
    train = np.array([draw_size(rng, "train") for _ in range(2000)])
    test = np.array([draw_size(rng, "test") for _ in range(2000)])
    for sizes in (train, test):
        assert SIZE_RANGE[0] <= sizes.min() and sizes.max() <= SIZE_RANGE[1]
    edges = np.linspace(*np.log(SIZE_RANGE), 51)
    both = (np.histogram(np.log(train), edges)[0] > 0) & (np.histogram(np.log(test), edges)[0] > 0)
    assert not both.any()


def test_a_scene_has_layers_with_a_margin_and_targets_in_the_frame() -> None:
    for seed in range(12):
        scene = draw_scene(np.random.default_rng(seed), "train", 36, 64)
        margin = int(np.ceil(MARGIN * 36))
        assert scene.background.shape == (3, 36 + 2 * margin, 64 + 2 * margin)
        assert scene.layers[:, 3].min() >= 0 and scene.layers[:, 3].max() <= 1
        assert 1 <= len(scene.targets) <= 2
        for target in scene.targets:
            assert 0 < target.centre[0] < 64 / 36 and 0 < target.centre[1] < 1


@pytest.mark.parametrize("name", MATERIALS)
def test_every_material_has_a_texture_of_its_own(name: str) -> None:
    pictures = [paint(name, np.random.default_rng(seed), 40, 60) for seed in (0, 0, 1)]
    assert pictures[0].shape == (40, 60, 3) and pictures[0].dtype == np.float32
    assert pictures[0].min() >= 0 and pictures[0].max() <= 1
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert np.abs(pictures[0] - pictures[2]).max() > 0.05
    assert set(PAINTERS) == set(MATERIALS)


def test_noises_stay_in_range() -> None:
    rng = np.random.default_rng(0)
    noise = fractal_noise(rng, 31, 47, 4, stretch=3)
    shade, edge = cells_noise(rng, 31, 47, 6)
    for grey in (noise, shade, edge):
        assert grey.shape == (31, 47) and grey.min() >= 0 and grey.max() <= 1 and grey.std() > 0.02


@pytest.mark.parametrize(
    ("measures", "message"),
    [
        (Measures(seconds=1.0), "seconds is 1.0; choose from 3 to 120"),
        (Measures(height=71), "71 x 128; H.264 needs even numbers"),
        (Measures(rate_hz=100), "rate_hz is 100"),
    ],
)
def test_measures_out_of_range_are_refused(measures: Measures, message: str) -> None:
    with pytest.raises(UserError, match=message):
        render_recording(0, "train", 0, measures)


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(UserError, match="'validation'; use one of train, test"):
        render_recording(0, "validation", 0, SMALL)


def test_the_stick_can_be_told_from_what_it_plays() -> None:
    luma = np.array([0.299, 0.587, 0.114])
    gaps = []
    for index in range(12):
        rng = recording_rng(0, "train", index)
        scene = draw_scene(rng, "train", 72, 128)
        assert scene.surface.shape == (len(scene.targets), 3) and np.isfinite(scene.surface).all()
        stick = np.asarray(draw_still(rng, scene, 72, 128).stick)
        gaps.append(np.abs(scene.surface @ luma - stick @ luma).min())
    assert np.mean(np.array(gaps) > 0.15) >= 0.75
