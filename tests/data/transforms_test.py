import numpy as np
import pytest

from vis2sound_jax.audio.files import decode_flac, encode_flac
from vis2sound_jax.data.transforms import events_within, random_window, sample_pair, window
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.sources import open_records
from vis2sound_jax.video.files import encode_jpeg


def make_record(*, fps=15.0, rate_hz=2000, seconds=12.0, hits_s=(1.0, 3.2, 6.0, 9.5), span_s=None):
    """A recording whose frame k is as bright as k and whose sample n is n / 32768: both tell the time."""
    count = round(seconds * fps)
    ramp = np.arange(round(seconds * rate_hz), dtype=np.float32) / 32768
    return {
        "id": "ramp",
        "duration_s": seconds,
        "fps": fps,
        "rate_hz": rate_hz,
        "sound_source": "wav",
        "audio": encode_flac(ramp, rate_hz),
        "frames": [encode_jpeg(np.full((8, 8, 3), k, np.uint8), 100) for k in range(count)],
        "event_time_s": np.array(hits_s, np.float32),
        "event_material": ["wood"] * len(hits_s),
        "event_action": ["hit"] * len(hits_s),
        "event_reaction": ["None"] * len(hits_s),
        "span_s": np.array(span_s or (0, seconds), np.float32),
    }


def first_frame(cut):
    return round(float(cut.frames[0].mean()))


def first_sample(cut):
    return round(float(cut.wav[0]) * 32768)


def test_flash_and_click_stay_together_in_every_window(prepared, hits_s):
    for record in open_records(prepared, "train"):
        for start_s in (0.0, 0.33, 1.27, 2.9):
            cut = window(record, start_s, 2.0)
            (hit,) = [t for t in hits_s if cut.start_s + 0.01 <= t < cut.start_s + 1.9][:1]
            flash_s = int(cut.frames.mean((1, 2, 3)).argmax()) / record["fps"]
            click_s = int(np.abs(cut.wav[: round((flash_s + 0.5) * 8000)]).argmax()) / record["rate_hz"]
            assert flash_s == pytest.approx(hit - cut.start_s, abs=1e-6)
            # The click lasts 5 ms, and AAC smears it a little.
            assert click_s == pytest.approx(flash_s, abs=0.010)


@pytest.mark.parametrize("fps", [15.0, 29.97])
def test_a_window_begins_with_one_frame_and_its_sample(fps):
    record = make_record(fps=fps, seconds=8.0)
    for start_s in (0.0, 1.234, 6.0):
        cut = window(record, start_s, 2.0)
        assert cut.frames.shape == (round(2 * fps), 8, 8, 3) and cut.wav.shape == (4000,)
        assert abs(cut.start_s - start_s) <= 0.5 / fps
        assert abs(first_sample(cut) / 2000 - first_frame(cut) / fps) <= 0.5 / 2000
        wav, _ = decode_flac(record["audio"])
        np.testing.assert_array_equal(cut.wav, np.pad(wav, (0, 99))[first_sample(cut) :][:4000])


def test_grey_frames_have_no_colour_axis():
    assert window(make_record(), 0, 1, grey=True).frames.shape == (15, 8, 8)


def test_several_channels_are_cut_as_their_mean():
    ramp = np.arange(6000, dtype=np.float32) / 32768
    channels = np.stack([2 * ramp, np.zeros_like(ramp)], axis=1)
    mixed, single = (make_record() | {"audio": encode_flac(wav, 2000)} for wav in (channels, ramp))
    np.testing.assert_allclose(window(mixed, 1, 1).wav, window(single, 1, 1).wav, atol=2**-15)


def test_short_sound_is_followed_by_silence_and_short_films_are_refused():
    record = make_record() | {"audio": encode_flac(np.full(3000, 0.5, np.float32), 2000)}
    np.testing.assert_array_equal(window(record, 1, 2).wav > 0, np.arange(4000) < 1000)
    assert not window(record, 5, 2).wav.any()
    with pytest.raises(ValueError, match="no window of 2 s at 11.00 s"):
        window(record, 11, 2)
    with pytest.raises(UserError, match="ramp lasts 12.00 s, less than the window of 13 s"):
        random_window(record, np.random.default_rng(0), 13)


def test_random_windows_cover_the_annotated_part_and_nothing_else():
    record, rng = make_record(span_s=(2.0, 6.0)), np.random.default_rng(1)
    starts = {first_frame(random_window(record, rng, 2.0)) for _ in range(300)}
    assert starts == set(range(30, 61))


def test_events_are_relative_padded_and_never_dropped():
    found = events_within(make_record(), 3.0, 4.0, max_events=3)
    np.testing.assert_allclose(found.time_s, [0.2, 3.0, 0], atol=1e-6)
    np.testing.assert_array_equal(found.index, [1, 2, 0])
    np.testing.assert_array_equal(found.mask, [True, True, False])
    with pytest.raises(ValueError, match="more than max_events=1"):
        events_within(make_record(), 3.0, 4.0, max_events=1)


@pytest.mark.parametrize("duration_s", [0.3, 1.03, 2.0])
def test_a_pair_shows_two_hits_and_never_overlaps(duration_s):
    record, rng = make_record(), np.random.default_rng(2)
    for _ in range(60):
        pair = sample_pair(record, rng, duration_s)
        starts = first_sample(pair.target), first_sample(pair.condition)
        assert abs(starts[0] - starts[1]) >= len(pair.target.wav) - 1
        for cut in (pair.target, pair.condition):
            assert abs(first_sample(cut) / 2000 - first_frame(cut) / 15) <= 0.5 / 2000
            assert events_within(record, cut.start_s, duration_s, max_events=9).mask.any()
        own = [
            set(events_within(record, c.start_s, duration_s, max_events=9).index) for c in (pair.target, pair.condition)
        ]
        assert own[0] != own[1]


def test_without_a_second_hit_the_pair_still_does_not_overlap():
    rng = np.random.default_rng(3)
    for hits_s in ((), (6.0,), (6.0, 6.1)):
        for _ in range(30):
            pair = sample_pair(make_record(hits_s=hits_s), rng, 2.0)
            assert abs(first_frame(pair.target) - first_frame(pair.condition)) >= 30


def test_a_short_film_gives_the_least_overlap():
    pair = sample_pair(make_record(seconds=3.0, hits_s=(0.5,)), np.random.default_rng(4), 2.0)
    assert first_frame(pair.condition) == 15 and first_frame(pair.target) <= 7


def test_the_published_sampling_has_its_published_faults():
    record, rng = make_record(), np.random.default_rng(5)
    drift_s, same, shifts_s = [], 0, []
    for _ in range(200):
        pair = sample_pair(record, rng, 2.0, compat=True)
        target, condition = pair.target, pair.condition
        assert abs(first_sample(target) / 2000 - first_frame(target) / 15) <= 1.5 / 15
        drift_s.append(first_sample(condition) / 2000 - first_frame(condition) / 15)
        same += abs(target.start_s - condition.start_s) < 1.1
        shifts_s.append(min(abs(hit - 0.5 - target.start_s) for hit in record["event_time_s"]))
    assert 0.5 < max(np.abs(drift_s)) <= 1.0 + 0.1
    assert 0.15 < same / 200 < 0.4
    assert 0.4 < max(shifts_s) <= 0.5 + 0.1


def test_the_same_generator_draws_the_same_pair():
    one, two = (sample_pair(make_record(), np.random.default_rng(6), 2.0) for _ in range(2))
    np.testing.assert_array_equal(one.target.wav, two.target.wav)
    np.testing.assert_array_equal(one.condition.frames, two.condition.frames)
