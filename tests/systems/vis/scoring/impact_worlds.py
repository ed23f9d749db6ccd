"""Made-up impacts whose materials sound different."""

import numpy as np

from vis2sound_jax.systems.vis.scoring.impacts import ImpactSounds

MATERIALS = ("cloth", "dirt", "wood")
STEPS, CHANNELS = 9, 8


def made_up_impacts(seed, recordings=12, per_recording=8):
    """A material a recording, its channel range in the sound; a scratch lasts, a hit decays."""
    rng = np.random.default_rng(seed)
    n = recordings * per_recording
    owner = np.arange(n) // per_recording
    material = owner % len(MATERIALS)
    scratch = rng.random(n) < 0.5
    channel = np.exp(-0.5 * (np.arange(CHANNELS) - (1 + 2.5 * material[:, None])) ** 2)
    decay = np.exp(-np.abs(np.arange(STEPS) - STEPS // 2) * np.where(scratch, 0.1, 1.0)[:, None])
    level = rng.uniform(0.5, 1.5, n)[:, None, None]
    features = level * decay[:, :, None] * channel[:, None, :] + 0.05 * rng.random((n, STEPS, CHANNELS))
    labels = [MATERIALS[k] if i % 7 else "None" for i, k in enumerate(material)]
    actions = np.where(scratch, "scratch", "hit").tolist()
    return ImpactSounds(features.astype(np.float32), labels, actions, ["static"] * n, [f"r{k}" for k in owner])
