"""The sounds of the twelve classes: struck things by modal synthesis, what goes on by shaped noise and grains."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax.world.sound import background_noise, draw_timbre, hit_sound
from vis2sound_jax.world.sounds12.canvas import Rng, banded, pulse, wandering

Wav = Float[np.ndarray, "n"]
Times = Float[np.ndarray, "e"]
_LEVEL_S = 0.02  # step of the curves of loudness

# What is struck in each class, and how large it is: pitch falls with size.
_STRUCK: dict[str, tuple[tuple[str, ...], float, float]] = {
    "break": (("glass", "ceramic"), 0.5, 1.3),
    "clock": (("metal", "ceramic"), 0.35, 0.6),
    "cutting": (("wood",), 0.6, 1.1),
    "footstep": (("gravel", "leaf", "dirt", "carpet"), 0.8, 1.6),
    "horse": (("rock", "wood"), 1.5, 2.4),
    "typing": (("plastic",), 0.35, 0.7),
}
_TEMPO_S: dict[str, tuple[float, float]] = {
    "break": (1.1, 2.2),
    "clock": (0.5, 1.0),
    "cutting": (0.28, 0.6),
    "footstep": (0.38, 0.75),
    "gunshot": (0.6, 1.6),
    "horse": (0.42, 0.65),
    "typing": (0.13, 0.32),
}
_GALLOP = (0.0, 0.2, 0.42, 0.62)  # beats of the four legs, as shares of a stride


def draw_contacts(rng: Rng, name: str, seconds: float, split: str) -> Times:
    """Draws when things touch.

    Args:
      rng: source of randomness.
      name: an impulsive class.
      seconds: length of the film.
      split: "train" or "test", which have tempos of their own.

    Returns:
      Times in seconds, ascending, at least one.
    """
    step = banded(rng, split, *_TEMPO_S[name])
    first = rng.uniform(0.15, 0.15 + step)
    if name == "horse":
        strides = np.arange(first, seconds - 0.1, step)
        times = np.concatenate([at + step * np.array(_GALLOP) + rng.normal(0, 0.008, 4) for at in strides])
    else:
        spread = {"clock": 0.002, "footstep": 0.05, "cutting": 0.12}.get(name, 0.45)
        gaps = step * np.maximum(rng.normal(1, spread, int(seconds / step) + 8), 0.45)
        if name in ("typing", "cutting"):  # hands rest now and then
            gaps = gaps + (rng.random(len(gaps)) < 0.12) * rng.uniform(0.4, 0.9, len(gaps))
        times = first + np.cumsum(np.concatenate([[0.0], gaps]))
    return np.sort(times[(times > 0.05) & (times < seconds - 0.08)])


def draw_level(rng: Rng, name: str, seconds: float) -> tuple[Times, Wav]:
    """Draws how loud a class that goes on is.

    Args:
      rng: source of randomness.
      name: a textural class.
      seconds: length of the film.

    Returns:
      Times in seconds, and the loudness at each, 0 to 1.
    """
    times_s = np.arange(0, seconds + _LEVEL_S, _LEVEL_S)
    if name == "thunder":
        strikes = rng.uniform(0.2, seconds - 0.6, int(rng.integers(1, 4)))
        return times_s, pulse(times_s, strikes, 0.0, rng.uniform(0.5, 1.1))
    if name == "car":
        nearest, width = rng.uniform(0.2, 0.8) * seconds, rng.uniform(0.7, 1.8)
        return times_s, 0.15 + 0.85 * np.exp(-(((times_s - nearest) / width) ** 2))
    slow, fast = {"fire": (0.5, 3.0), "rain": (0.1, 0.5), "waterfall": (0.05, 0.3)}[name]
    return times_s, 0.25 + 0.75 * wandering(rng, times_s, slow, fast)


def struck_sound(
    rng: Rng, name: str, contacts: Times, seconds: float, rate_hz: int, split: str
) -> Float32[np.ndarray, "n"]:
    """Sounds the contacts of an impulsive class.

    Args:
      rng: source of randomness.
      name: the class.
      contacts: times in seconds; a sound begins at its contact.
      seconds: length.
      rate_hz: sample rate.
      split: "train" or "test", which have pitches of their own.

    Returns:
      The sound, its peak at most 0.9.
    """
    n = round(seconds * rate_hz)
    wav = np.zeros(n + 4 * rate_hz)
    if name == "gunshot":
        hits: Callable[[], Wav] = _shots(rng, rate_hz, split)
    else:
        hits = _hits(rng, name, rate_hz, split)
    for at in contacts:
        sound = hits() * 10 ** (rng.normal(0, 1.5) / 20)
        start = round(at * rate_hz)
        wav[start : start + len(sound)] += sound
    return _finished(rng, wav[:n])


def _hits(rng: Rng, name: str, rate_hz: int, split: str) -> Callable[[], Wav]:
    materials, low, high = _STRUCK[name]
    material = materials[int(rng.integers(len(materials)))]
    timbre = draw_timbre(rng, material, banded(rng, split, low, high), rate_hz)

    def one() -> Wav:
        sound = hit_sound(rng, timbre, float(rng.uniform(0.7, 1.3)), rate_hz)
        if name == "break":  # shards follow, smaller and later
            for _ in range(int(rng.integers(5, 12))):
                late, force = rng.exponential(0.12), rng.uniform(0.08, 0.35)
                shard = hit_sound(rng, timbre, float(force), rate_hz)
                start = round(late * rate_hz)
                sound = np.pad(sound, (0, max(0, start + len(shard) - len(sound))))
                sound[start : start + len(shard)] += shard
        if name == "cutting":  # what is cut crunches
            n = round(0.06 * rate_hz)
            crunch = shaped_noise(rng, n, rate_hz, 1500, 6000) * np.exp(-np.arange(n) / (0.018 * rate_hz))
            sound[:n] += 0.35 * np.abs(sound).max() * crunch
        return sound

    return one


def _shots(rng: Rng, rate_hz: int, split: str) -> Callable[[], Wav]:
    decay_s, boom_hz = banded(rng, split, 0.06, 0.18), banded(rng, split, 60, 140)
    tail_s = rng.uniform(0.3, 0.6)

    def one() -> Wav:
        n = round(1.6 * rate_hz)
        t = np.arange(n) / rate_hz
        crack = shaped_noise(rng, n, rate_hz, 400, 7000) * np.exp(-t / (decay_s * 0.3))
        body = shaped_noise(rng, n, rate_hz, 80, 1800) * np.exp(-t / decay_s)
        echo = shaped_noise(rng, n, rate_hz, 60, 900) * np.exp(-t / tail_s) * np.minimum(t / 0.05, 1)
        boom = np.sin(2 * np.pi * boom_hz * t * (1 - 0.3 * t)) * np.exp(-t / 0.1)
        sound = crack + 0.8 * body + 0.12 * echo + boom
        return 0.8 * sound / np.abs(sound).max()

    return one


def shaped_noise(rng: Rng, n: int, rate_hz: int, low_hz: float, high_hz: float, slope: float = 0.0) -> Wav:
    """Noise within soft bounds.

    Args:
      rng: source of randomness.
      n: samples.
      rate_hz: sample rate.
      low_hz: below it, it falls by 12 dB an octave.
      high_hz: above it, by 18.
      slope: the amplitude goes as frequency to the power of minus this.

    Returns:
      Noise of unit rms.
    """
    hz = np.fft.rfftfreq(n, 1 / rate_hz) + 1
    gain = hz**-slope / (1 + (low_hz / hz) ** 2) / (1 + (hz / min(high_hz, 0.45 * rate_hz)) ** 3)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * gain, n)
    return noise / (np.sqrt(np.mean(noise**2)) + 1e-12)


def textural_sound(
    rng: Rng, name: str, level: tuple[Times, Wav], seconds: float, rate_hz: int, split: str
) -> Float32[np.ndarray, "n"]:
    """Sounds a class that goes on.

    Args:
      rng: source of randomness.
      name: the class.
      level: as `draw_level` gives it.
      seconds: length.
      rate_hz: sample rate.
      split: "train" or "test", which have pitches of their own.

    Returns:
      The sound, its peak at most 0.9.
    """
    n = round(seconds * rate_hz)
    loud = np.interp(np.arange(n) / rate_hz, *level)
    return _finished(rng, _TEXTURES[name](rng, loud, rate_hz, split))


def _rain(rng: Rng, loud: Wav, rate_hz: int, split: str) -> Wav:
    hiss = shaped_noise(rng, len(loud), rate_hz, banded(rng, split, 900, 2200), 7500)
    return loud * hiss + 3.0 * _grains(rng, loud, rate_hz, 90, banded(rng, split, 2000, 4500), 0.004)


def _fire(rng: Rng, loud: Wav, rate_hz: int, split: str) -> Wav:
    roar = shaped_noise(rng, len(loud), rate_hz, 60, banded(rng, split, 250, 600))
    return loud * roar + 5.0 * _grains(rng, loud, rate_hz, 22, banded(rng, split, 1500, 3500), 0.006)


def _waterfall(rng: Rng, loud: Wav, rate_hz: int, split: str) -> Wav:
    return loud * shaped_noise(rng, len(loud), rate_hz, 120, banded(rng, split, 1500, 4000), 0.35)


def _car(rng: Rng, loud: Wav, rate_hz: int, split: str) -> Wav:
    base_hz = banded(rng, split, 55, 110) * (0.85 + 0.3 * loud)
    phase = 2 * np.pi * np.cumsum(base_hz) / rate_hz
    engine = sum(rng.uniform(0.4, 1) / k**0.8 * np.sin(k * phase + rng.uniform(0, 6)) for k in range(1, 13))
    wheels = shaped_noise(rng, len(loud), rate_hz, 250, 1300)
    return loud * (engine + 0.35 * wheels)


def _thunder(rng: Rng, loud: Wav, rate_hz: int, split: str) -> Wav:
    rumble = shaped_noise(rng, len(loud), rate_hz, 30, banded(rng, split, 110, 260), 0.5)
    crack = shaped_noise(rng, len(loud), rate_hz, 300, 3000)
    rolling = 0.5 + wandering(rng, np.arange(len(loud)) / rate_hz, 2.0, 8.0)
    return loud * rumble * rolling + 0.5 * loud**8 * crack


_TEXTURES: dict[str, Callable[[Rng, Wav, int, str], Wav]] = {
    "car": _car,
    "fire": _fire,
    "rain": _rain,
    "thunder": _thunder,
    "waterfall": _waterfall,
}


def _grains(rng: Rng, loud: Wav, rate_hz: int, rate: float, centre_hz: float, decay_s: float) -> Wav:
    """Short rings at random times, denser and stronger where it is loud."""
    n = len(loud)
    at = rng.integers(0, n, rng.poisson(rate * n / rate_hz))
    at = at[rng.random(len(at)) < loud[at]]
    train = np.zeros(n)
    np.add.at(train, at, rng.lognormal(0, 0.8, len(at)) * rng.choice([-1, 1], len(at)) * loud[at])
    t = np.arange(round(8 * decay_s * rate_hz)) / rate_hz
    ring = np.sin(2 * np.pi * centre_hz * t) * np.exp(-t / decay_s)
    size = 1 << (n + len(ring)).bit_length()
    return np.fft.irfft(np.fft.rfft(train, size) * np.fft.rfft(ring, size), size)[:n]


def _finished(rng: Rng, wav: Wav) -> Float32[np.ndarray, "n"]:
    """Peaks between 0.3 and 0.9, and the noise of a room."""
    peak = np.abs(wav).max() + 1e-9
    wav = wav * rng.uniform(0.45, 0.85) / peak
    return (wav + background_noise(rng, len(wav))).clip(-1, 1).astype(np.float32)
