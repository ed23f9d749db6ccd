"""Made-up examples: bursts of noise that die away, and noise that swells like a scratch."""

import numpy as np


def bursts(times_s, rate_hz=22_050, seconds=3.0, *, decay_s=0.03, floor=1e-4, seed=0, levels=None):
    """[n, 1] bursts of one channel at times, on a little noise; their sizes are 0.3 or as `levels` says."""
    rng = np.random.default_rng(seed)
    wav = floor * rng.standard_normal(round(seconds * rate_hz))
    for time_s, level in zip(times_s, levels or [0.3] * len(times_s), strict=True):
        start = round(time_s * rate_hz)
        t = np.arange(min(len(wav) - start, round(12 * decay_s * rate_hz))) / rate_hz
        # Two alternating signs make the first sample sound at once.
        wav[start : start + len(t)] += level * np.exp(-t / decay_s) * np.sign(rng.standard_normal(len(t)))
    return np.clip(wav, -1, 1).astype(np.float32)[:, None]


def scratch(rate_hz=22_050, seconds=0.4, *, seed=0, level=0.2, around_s=0.0):
    """[n, 1] noise that swells and dies away within `seconds`, with near silence on both sides."""
    rng = np.random.default_rng(seed)
    length, pad = round(seconds * rate_hz), round(around_s * rate_hz)
    swell = np.sin(np.pi * (np.arange(length) + 0.5) / length)
    wav = np.pad(level * swell * rng.standard_normal(length), pad)
    return np.clip(wav + 1e-4 * rng.standard_normal(len(wav)), -1, 1).astype(np.float32)[:, None]


def stereo(wav):
    """[n, 2] of [n, 1]: the right channel is softer."""
    return np.concatenate([wav, 0.5 * wav], axis=1)
