"""Laws of the event reader's examples: bumps where events are, nothing outside of what is known."""

import dataclasses

import numpy as np
import pytest

from vis2sound_jax.data.event_clips import EventRecording, event_clip

FPS, FRAMES = 25.0, 100
SEEN = ("features", "onset", "motion")
PER_FRAME = ("target", "scratch", "force", "known", "named", "struck")


def recording(frames=FRAMES, **changed):
    """Features and curves tell the frame's number."""
    number = np.arange(frames, dtype=np.float32)
    one = EventRecording(
        features=np.stack([number, -number], axis=1).astype(np.float16),
        onset=number / 1000,
        motion=np.tile(number[:, None], (1, 4)),
        fps=FPS,
        event_s=np.array([0.5, 1.5, 3.02]),
        action=("hit", "scratch", "other"),
        loudness_db=np.array([-30.0, -24.0, -27.0]),
        span_s=(0.2, 3.4),
    )
    return dataclasses.replace(one, **changed)


def clip(one, frames=FRAMES, seed=0):
    return event_clip(one, np.random.default_rng(seed), frames=frames, spread_s=0.03, force_db=6.0)


def test_targets_are_bumps_at_the_events():
    found, at_s = clip(recording()), (np.arange(FRAMES) + 0.5) / FPS
    for time_s in (0.5, 1.5, 3.02):
        near = np.abs(at_s - time_s) < 0.06
        np.testing.assert_allclose(found["target"][near], np.exp(-0.5 * ((at_s[near] - time_s) / 0.03) ** 2), atol=1e-6)
    far = np.abs(at_s[:, None] - [0.5, 1.5, 3.02]).min(axis=1) > 0.13
    assert not found["target"][far].any() and found["target"].max() <= 1


def test_kind_and_force_are_known_near_events():
    found = clip(recording())
    struck = [*range(10, 15), *range(35, 40), *range(73, 78)]
    np.testing.assert_array_equal(np.flatnonzero(found["struck"]), struck)
    np.testing.assert_array_equal(np.flatnonzero(found["named"]), struck[:10])
    np.testing.assert_array_equal(np.flatnonzero(found["scratch"]), struck[5:10])
    np.testing.assert_allclose(found["force"][[12, 37, 75]], [-0.5, 0.5, 0.0])
    assert not found["force"][found["struck"] == 0].any()


def test_nothing_is_known_outside_the_annotated_span():
    found, at_s = clip(recording(span_s=(1.5, 3.0))), (np.arange(FRAMES) + 0.5) / FPS
    inside = (at_s >= 1.5) & (at_s < 3.0)
    np.testing.assert_array_equal(found["known"] > 0, inside)
    for name in ("named", "struck"):
        assert found[name].any() and not found[name][~inside].any()


@pytest.mark.parametrize("frames", [1, 30, 100])
def test_a_clip_is_cut_from_all_at_the_same_place(frames):
    whole, starts = clip(recording()), set()
    for seed in range(20):
        found = clip(recording(), frames, seed)
        assert set(found) == {*SEEN, *PER_FRAME}
        start = int(found["features"][0, 0])
        starts.add(start)
        for name, values in found.items():
            assert values.dtype == np.float32
            np.testing.assert_array_equal(values, whole[name][start : start + frames])
    assert 0 <= min(starts) and max(starts) <= FRAMES - frames and (len(starts) > 10 or frames == FRAMES)


@pytest.mark.parametrize("total", [0, 1, 60])
def test_a_short_recording_is_filled_with_frames_of_which_nothing_is_known(total):
    found = clip(recording(total))
    assert found["features"].shape == (FRAMES, 2) and found["motion"].shape == (FRAMES, 4)
    np.testing.assert_array_equal(found["onset"][:total], np.arange(total, dtype=np.float32) / 1000)
    for name in (*SEEN, *PER_FRAME):
        assert len(found[name]) == FRAMES and not found[name][total:].any()


def test_a_recording_without_events_is_known_to_have_none():
    found = clip(recording(event_s=np.zeros(0), action=(), loudness_db=np.zeros(0)))
    assert found["known"].sum() == 80 and not any(found[name].any() for name in ("target", "struck", "named", "force"))


def test_events_outside_the_film_teach_nothing():
    none = clip(recording(event_s=np.zeros(0), action=(), loudness_db=np.zeros(0)))
    found = clip(recording(event_s=np.array([-0.5, 9.0, 4.2])))
    for name in PER_FRAME:
        np.testing.assert_array_equal(found[name], none[name])


def test_every_event_has_its_action_and_level():
    with pytest.raises(ValueError):
        clip(recording(action=("hit",)))
