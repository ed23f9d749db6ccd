"""Modal and granular synthesis: every object has a timbre of its own, every stroke sounds at its sample."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64

from vis2sound_jax.world.materials import MATERIALS, Voice
from vis2sound_jax.world.motion import Stroke, Target

Rng = np.random.Generator
Wav = Float32[np.ndarray, "n"]
Row = Float[np.ndarray, "k"]

NOISE_FLOOR_DB = -60.0
"""Level of the background noise, dB re full scale, rms."""
LONGEST_S = 1.5
"""Length to which a ringing mode is worked out, seconds."""

_REFERENCE_SPEED = 4.0  # image heights per second: a hit at this speed has the material's level
_REFERENCE_SLIDE = 1.2


@dataclass(frozen=True)
class Timbre:
    """The sound of one object: the same for all strokes on it in a recording.

    Attributes:
      voice: its material's voice.
      modes: damped sinusoids of unit gain, [k, n].
      gains: gain of each mode, [k].
      colour: magnitude response of its noise (burst, grains, scratches), on the grid of `_NOISE_SIZE`.
      burst_s: decay time of the burst.
      grain: one grain, [m].
      grain_s: time over which the grains thin out.
      grain_count: grains after a reference hit.
      level: peak of a reference hit.
    """

    voice: Voice
    modes: Float32[np.ndarray, "k n"]
    gains: Float64[np.ndarray, "k"]
    colour: Float64[np.ndarray, "bins"]
    burst_s: float
    grain: Float64[np.ndarray, "m"]
    grain_s: float
    grain_count: float
    level: float


_NOISE_SIZE = 1 << 14


def mode_ratios(rng: Rng, partials: str, count: int) -> Float64[np.ndarray, "k"]:
    """Frequencies of an object's modes relative to the lowest.

    Args:
      rng: source of the object's own deviations (about 4 %).
      partials: "bar" (free beam: (2n + 1)^2, Fletcher and Rossing 1998, §2, lower for thick ones), "plate"
        (even modal density) or "shell" (n^2-like rings of bowls and panes, with close pairs).
      count: number of modes.

    Returns:
      Ratios [k] >= 1, ascending.
    """
    order = np.arange(count, dtype=np.float64)
    if partials == "bar":
        ratios = ((2 * order + 3) / 3.0) ** 2 * (1 - 0.02 * order)
    elif partials == "shell":
        ratios = (order // 2 + 1.0) ** 1.6 * (1 + 0.02 * (order % 2))
    else:
        ratios = 1 + np.concatenate([[0.0], np.cumsum(rng.exponential(0.75, count - 1) + 0.1)])
    ratios = np.sort(ratios * rng.normal(1, 0.04, count))
    return ratios / ratios[0]


def draw_timbre(rng: Rng, material: str, size: float, rate_hz: int) -> Timbre:
    """Draws the timbre of one object.

    Args:
      rng: source of randomness.
      material: a name in `MATERIALS`.
      size: object size, 1 = middling; the pitch falls with its 1.2th power.
      rate_hz: sample rate.

    Returns:
      The timbre.
    """
    voice = MATERIALS[material].voice
    pitch = rng.uniform(*voice.pitch_hz) * size**-1.2 * rng.lognormal(0, 0.08)
    freq_hz = pitch * mode_ratios(rng, voice.partials, voice.modes)
    freq_hz = freq_hz[freq_hz < 0.45 * rate_hz]
    if not len(freq_hz):
        freq_hz = np.array([0.4 * rate_hz])
    damping = rng.uniform(*voice.decay) + rng.uniform(*voice.decay_khz) * freq_hz / 1000
    t = np.arange(round(min(LONGEST_S, 7 / damping.min()) * rate_hz)) / rate_hz
    turns = np.outer(2 * np.pi * freq_hz, t).astype(np.float32)
    modes = np.exp(-np.outer(damping, t).astype(np.float32)) * np.sin(turns)
    gains = rng.lognormal(0, 0.6, len(freq_hz)) / (1 + (freq_hz / rng.uniform(2000, 6000)) ** 2)
    return Timbre(
        voice=voice,
        modes=modes,
        gains=gains,
        colour=_draw_colour(rng, voice.burst_hz, rate_hz),
        burst_s=rng.uniform(*voice.burst_s),
        grain=_draw_grain(rng, voice.burst_hz, rate_hz),
        grain_s=rng.uniform(*voice.grain_s),
        grain_count=float(rng.uniform(*voice.grain_count)),
        level=voice.level * rng.lognormal(0, 0.15),
    )


def _draw_colour(rng: Rng, band_hz: tuple[float, float], rate_hz: int) -> Float64[np.ndarray, "bins"]:
    """A soft pass band with two or three resonances of the object's own."""
    freq_hz = np.fft.rfftfreq(_NOISE_SIZE, 1 / rate_hz)
    high = min(band_hz[1] * rng.lognormal(0, 0.2), 0.45 * rate_hz)
    low = min(band_hz[0] * rng.lognormal(0, 0.2), high / 2)
    colour = 1 / (1 + (low / (freq_hz + 1)) ** 4) / (1 + (freq_hz / high) ** 6)
    peaks = np.zeros_like(freq_hz)
    for _ in range(int(rng.integers(2, 4))):
        centre = np.exp(rng.uniform(np.log(low), np.log(high)))
        peaks += rng.uniform(0.5, 2) / (1 + ((freq_hz - centre) / (0.12 * centre)) ** 2)
    colour *= 0.6 + peaks
    return colour / np.sqrt(np.mean(colour**2))


def _draw_grain(rng: Rng, band_hz: tuple[float, float], rate_hz: int) -> Float64[np.ndarray, "m"]:
    t = np.arange(round(0.012 * rate_hz)) / rate_hz
    high = min(0.8 * band_hz[1], 0.4 * rate_hz)
    freq_hz = np.exp(rng.uniform(np.log(min(1.2 * band_hz[0], high / 2)), np.log(high), 3))
    grain = (np.sin(2 * np.pi * np.outer(freq_hz, t)) * np.exp(-np.outer(rng.uniform(400, 1500, 3), t))).sum(0)
    return grain / (np.abs(grain).max() + 1e-9)


def _noise(rng: Rng, timbre: Timbre, n: int) -> Float64[np.ndarray, "n"]:
    """Noise of unit rms in the object's colour; n at most `_NOISE_SIZE`."""
    white = np.fft.rfft(rng.standard_normal(_NOISE_SIZE))
    return np.fft.irfft(white * timbre.colour)[:n]


def _peak_one(wav: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return wav / (np.abs(wav).max() + 1e-9)


def hit_sound(rng: Rng, timbre: Timbre, force: float, rate_hz: int) -> Float64[np.ndarray, "n"]:
    """Sound of one hit, its first sample being the contact.

    Args:
      rng: source of the differences between hits on one object (about 1.5 dB a mode).
      timbre: the object.
      force: 1 for a reference hit; scales level and, a little, brightness and number of grains.
      rate_hz: sample rate.

    Returns:
      Waveform [n]; its peak is about `timbre.level * force`.
    """
    voice = timbre.voice
    out = np.zeros(max(timbre.modes.shape[1], round((0.15 + 6 * timbre.burst_s + 3 * timbre.grain_s) * rate_hz)))
    bright = np.linspace(0, 1, len(timbre.gains)) * 0.4 * np.log(max(force, 1e-3))
    gains = timbre.gains * rng.lognormal(0, 0.17, len(timbre.gains)) * np.exp(bright)
    out[: timbre.modes.shape[1]] += np.sqrt(voice.tonal) * _peak_one(gains.astype(np.float32) @ timbre.modes)
    n = min(round(6 * timbre.burst_s * rate_hz), _NOISE_SIZE)
    t = np.arange(n) / rate_hz
    attack = np.minimum(1, t / 0.001)
    out[:n] += np.sqrt(voice.burst) * _peak_one(_noise(rng, timbre, n) * attack * np.exp(-t / timbre.burst_s))
    click = round(rng.uniform(0.001, 0.003) * rate_hz)
    out[:click] += np.sqrt(voice.click) * _peak_one(rng.standard_normal(click) * np.hanning(click + 2)[1:-1])
    if voice.grains > 0:
        count = max(3, rng.poisson(timbre.grain_count * np.clip(force, 0.4, 2)))
        times = rng.exponential(timbre.grain_s, count)
        grains = _grain_train(rng, timbre, times, np.exp(-times / timbre.grain_s), len(out), rate_hz)
        out += np.sqrt(voice.grains) * _peak_one(grains)
    return _peak_one(out) * timbre.level * force


def _grain_train(rng: Rng, timbre: Timbre, times: Row, gains: Row, n: int, rate_hz: int) -> Float64[np.ndarray, "n"]:
    """Grains of random strength and sign at the given times (s), scaled by gains."""
    train, size = np.zeros(n + len(timbre.grain)), len(timbre.grain)
    strength = gains * rng.lognormal(0, 0.6, len(times)) * rng.choice([-1, 1], len(times))
    for place, gain in zip((times * rate_hz).astype(int), strength, strict=True):
        if place < n:
            train[place : place + size] += gain * timbre.grain
    return train[:n]


def scratch_sound(rng: Rng, timbre: Timbre, force: float, stay_s: float, rate_hz: int) -> Float64[np.ndarray, "n"]:
    """Sound of one scratch: the object's noise and modes, as loud as the stick is fast.

    The speed is a half sine over the scratch, that of the path in `motion.contact_at`.

    Args:
      rng: source of randomness.
      timbre: the object.
      force: 1 for a reference hit; scales the level.
      stay_s: how long the stick slides, in seconds.
      rate_hz: sample rate.
    """
    voice = timbre.voice
    n = min(round(stay_s * rate_hz), _NOISE_SIZE)
    u = np.arange(n) / n
    speed = np.sin(np.pi * u)
    steps = rng.lognormal(0, 0.35, n // 64 + 2)
    rough = np.interp(np.arange(n), 64 * np.arange(len(steps)), steps)
    noise = _noise(rng, timbre, n)
    if voice.tonal > 0.4:  # rubbing rings the modes too
        ring = np.fft.irfft(np.fft.rfft(rng.standard_normal(n), 2 * n) * np.fft.rfft(_ring(timbre, n), 2 * n))[:n]
        noise = noise + 1.5 * voice.tonal * ring / (np.std(ring) + 1e-9)
    out = noise * speed**0.8 * rough
    if voice.grains > 0:
        times = rng.uniform(0, stay_s, rng.poisson(2 * timbre.grain_count * max(force, 0.3)) + 5)
        grains = _grain_train(rng, timbre, times, np.ones(len(times)), n, rate_hz)
        out = _peak_one(out) + 0.8 * voice.grains * speed * grains
    return _peak_one(out) * timbre.level * voice.scratch_level * force


def _ring(timbre: Timbre, n: int) -> Float64[np.ndarray, "n"]:
    ring = np.zeros(n)
    m = min(n, timbre.modes.shape[1])
    ring[:m] = timbre.gains.astype(np.float32) @ timbre.modes[:, :m]
    return ring


def background_noise(rng: Rng, n: int) -> Float64[np.ndarray, "n"]:
    """Low-passed room noise near `NOISE_FLOOR_DB` (± 3 dB).

    Args:
      rng: source of randomness.
      n: samples wanted.
    """
    white = np.fft.rfft(rng.standard_normal(n))
    slope = rng.uniform(0.3, 1.0)
    shaped = np.fft.irfft(white * (np.arange(len(white)) + len(white) * 0.01) ** -slope, n)
    return shaped / np.sqrt(np.mean(shaped**2)) * 10 ** ((NOISE_FLOOR_DB + rng.uniform(-3, 3)) / 20)


def render_sound(rng: Rng, targets: Sequence[Target], strokes: Sequence[Stroke], seconds: float, rate_hz: int) -> Wav:
    """Renders the sound of a recording.

    Loudness follows the speed at contact (level ~ speed^0.7, ± 1.5 dB), pitch the object's size.

    Args:
      rng: source of randomness.
      targets: the things that are played.
      strokes: the plan; misses are silent.
      seconds: length.
      rate_hz: sample rate.

    Returns:
      wav [n], n = round(seconds * rate_hz), peak in [0.1, 0.9]; a stroke begins at sample time_s * rate_hz.
    """
    timbres = [draw_timbre(rng, target.material, target.size, rate_hz) for target in targets]
    n = round(seconds * rate_hz)
    wav = np.zeros(n + 4 * rate_hz)
    for stroke in strokes:
        if stroke.action == "miss":
            continue
        reference = _REFERENCE_SLIDE if stroke.action == "scratch" else _REFERENCE_SPEED
        force = np.clip((stroke.speed / reference) ** 0.7, 0.2, 1.8) * 10 ** (rng.normal(0, 1.5) / 20)
        timbre = timbres[stroke.target]
        if stroke.action == "scratch":
            sound = scratch_sound(rng, timbre, force, stroke.stay_s, rate_hz)
        else:
            sound = hit_sound(rng, timbre, force, rate_hz)
        start = round(stroke.time_s * rate_hz)
        wav[start : start + len(sound)] += sound
    wav = wav[:n]
    peak = np.abs(wav).max()
    wav *= np.clip(peak, 0.1, 0.9) / peak
    return (wav + background_noise(rng, n)).clip(-1, 1).astype(np.float32)
