"""Laws of the sound: it begins at contact, objects keep their timbre, force and size are heard."""

import numpy as np
import pytest

from vis2sound_jax.world.materials import MATERIALS
from vis2sound_jax.world.motion import Stroke, Target
from vis2sound_jax.world.sound import (
    NOISE_FLOOR_DB,
    background_noise,
    draw_timbre,
    hit_sound,
    mode_ratios,
    render_sound,
    scratch_sound,
)

RATE_HZ = 22050


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _hit(time_s: float, lift: float = 0.3, action: str = "hit", target: int = 0) -> Stroke:
    gap = 0.05 if action == "miss" else 0.0
    return Stroke(time_s, action, "static", target, (0.5, 0.5), lift, 0.15, 2.0, gap, 0.0, (0.0, 0.0), False)


def _rms_db(wav: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(wav, dtype=np.float64)) + 1e-20))


def _spectrum(wav: np.ndarray) -> np.ndarray:
    power = np.abs(np.fft.rfft(wav, 1 << 15)) ** 2
    bands = np.array([band.mean() for band in np.array_split(power, 256)])
    return np.log(bands + 1e-6 * bands.max())


@pytest.mark.parametrize("material", MATERIALS)
def test_a_hit_has_its_level_and_begins_at_once(material: str) -> None:
    for seed in range(4):
        timbre = draw_timbre(_rng(seed), material, 1.0, RATE_HZ)
        sound = hit_sound(_rng(seed + 10), timbre, 1.0, RATE_HZ)
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() == pytest.approx(timbre.level, rel=1e-6)
        assert np.abs(sound[: RATE_HZ // 100]).max() > 0.2 * timbre.level
        assert np.abs(sound[-50:]).max() < 0.05 * timbre.level


@pytest.mark.parametrize("material", MATERIALS)
def test_a_scratch_swells_with_the_speed_of_the_stick(material: str) -> None:
    timbre = draw_timbre(_rng(1), material, 1.0, RATE_HZ)
    sound = scratch_sound(_rng(2), timbre, 1.0, 0.4, RATE_HZ)
    assert len(sound) == round(0.4 * RATE_HZ)
    parts = [_rms_db(part) for part in np.array_split(sound, 8)]
    assert max(parts[3:5]) > parts[0] + 2 and max(parts[3:5]) > parts[-1] + 2


def test_an_object_keeps_its_timbre() -> None:
    """Two hits on one object are more alike than hits on two objects of the same material."""
    same, other = [], []
    for material in MATERIALS:
        first, second = (draw_timbre(_rng(seed), material, 1.0, RATE_HZ) for seed in (1, 2))
        a, b, c = (_spectrum(hit_sound(_rng(s), t, 1.0, RATE_HZ)) for s, t in ((3, first), (4, first), (5, second)))
        same.append(np.corrcoef(a, b)[0, 1])
        other.append(np.corrcoef(a, c)[0, 1])
    assert np.mean(same) > np.mean(other) + 0.05
    assert np.mean(np.array(same) > np.array(other)) >= 0.75


def test_materials_differ_in_level_and_ringing() -> None:
    voices = {name: material.voice for name, material in MATERIALS.items()}
    assert voices["metal"].level > voices["wood"].level > voices["cloth"].level > voices["grass"].level
    lengths = {
        name: draw_timbre(_rng(0), name, 1.0, RATE_HZ).modes.shape[1] for name in ("metal", "glass", "wood", "rock")
    }
    assert lengths["metal"] > lengths["glass"] > lengths["wood"] > lengths["rock"]


@pytest.mark.parametrize("partials", ["bar", "plate", "shell"])
def test_modes_ascend_from_one(partials: str) -> None:
    ratios = mode_ratios(_rng(3), partials, 12)
    assert ratios[0] == 1 and (np.diff(ratios) >= 0).all() and ratios[-1] > 4


def test_pitch_falls_with_size() -> None:
    """The strongest partial of the largest bars lies well under that of the smallest, on average."""
    pitches = {
        size: np.mean(
            [
                np.abs(np.fft.rfft(draw_timbre(_rng(seed), "wood", size, RATE_HZ).modes[0], 1 << 15)).argmax()
                for seed in range(30)
            ]
        )
        for size in (0.6, 1.7)
    }
    assert pitches[0.6] > 2 * pitches[1.7]


@pytest.mark.parametrize("material", MATERIALS)
def test_silence_until_the_contact_and_energy_within_ten_milliseconds(material: str) -> None:
    strokes = [_hit(0.8), _hit(2.0), _hit(2.9)]
    wav = render_sound(_rng(7), [Target(material, (0.5, 0.5), (0.1, 0.1), 1.0)], strokes, 4.0, RATE_HZ)
    assert wav.shape == (4 * RATE_HZ,) and wav.dtype == np.float32
    assert 0.09 < np.abs(wav).max() < 0.92
    assert _rms_db(wav[: round(0.8 * RATE_HZ)]) < NOISE_FLOOR_DB + 4
    for stroke in strokes:
        start = round(stroke.time_s * RATE_HZ)
        before, after = wav[start - 220 : start], wav[start : start + 220]
        assert _rms_db(after) > _rms_db(before) + 8


def test_a_harder_hit_is_louder_and_a_miss_is_silent() -> None:
    target = [Target("ceramic", (0.5, 0.5), (0.1, 0.1), 1.0)]
    strokes = [_hit(0.5, lift=0.1), _hit(1.5, lift=0.4), _hit(2.5, lift=0.4, action="miss")]
    wav = render_sound(_rng(8), target, strokes, 3.5, RATE_HZ)
    soft, hard, miss = (
        np.abs(wav[round(s.time_s * RATE_HZ) : round((s.time_s + 0.3) * RATE_HZ)]).max() for s in strokes
    )
    assert hard > 1.3 * soft and miss < 0.01


def test_background_noise_is_quiet() -> None:
    for seed in range(5):
        assert abs(_rms_db(background_noise(_rng(seed), 2 * RATE_HZ)) - NOISE_FLOOR_DB) < 3.1


@pytest.mark.parametrize("rate_hz", [8000, 48000])
def test_other_sample_rates_work(rate_hz: int) -> None:
    for material in MATERIALS:
        sound = hit_sound(_rng(1), draw_timbre(_rng(0), material, 0.6, rate_hz), 1.0, rate_hz)
        assert np.isfinite(sound).all() and np.abs(sound).max() > 0.05
