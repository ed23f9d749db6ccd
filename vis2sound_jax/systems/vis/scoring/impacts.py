"""Sounds of single impacts as Visually Indicated Sounds compares them: cochleagrams of centred clips and labels.

A centred clip is half a second of compressed cochleagram with its impact in the middle (Owens et al. 2016,
sections 4 and 6.1). Two numbers describe it without a classifier: how loud it is and how high it lies.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from vis2sound_jax.evaluation.classifiers import UNLABELLED

KINDS = ("material", "action", "reaction", "hardness")

# Section 6: materials that are clearly one or the other. Dirt, paper, water and names not listed are neither.
HARDNESS = {
    **dict.fromkeys(("leaf", "grass", "cloth", "plastic-bag", "carpet"), "soft"),
    **dict.fromkeys(("gravel", "rock", "tile", "wood", "ceramic", "plastic", "drywall", "glass", "metal"), "hard"),
}
_CENTROID_STEPS = 3  # one frame of film


class ImpactSounds(NamedTuple):
    """Centred clips of impacts, one entry an impact.

    Attributes:
      features: [e, t, c] compressed cochleagrams, at least 0, float32; 45 steps of 42 channels.
      material: what was struck, "None" where unlabelled.
      action: "hit" or "scratch", "None" where unlabelled.
      reaction: what the blow did to it, "None" where unlabelled.
      recording: the recording of each clip, the unit of the bootstrap.
    """

    features: np.ndarray
    material: list[str]
    action: list[str]
    reaction: list[str]
    recording: list[str]

    def labels(self, kind: str) -> np.ndarray:
        """The labels of one kind.

        Args:
          kind: one of `KINDS`; hardness follows from the material.

        Returns:
          [e] strings, "None" where unlabelled.
        """
        if kind == "hardness":
            return np.array([HARDNESS.get(name, UNLABELLED) for name in self.material], dtype=str)
        return np.array({"material": self.material, "action": self.action, "reaction": self.reaction}[kind], dtype=str)


def check_features(features: Float32[np.ndarray, "e t c"], n_clips: int, name: str) -> None:
    """Checks cochleagrams before they are judged.

    Args:
      features: cochleagrams.
      n_clips: how many there should be.
      name: what they are, for the message.

    Raises:
      ValueError: for another number of clips or of axes, and for values that are negative or not finite.
    """
    if features.ndim != 3 or len(features) != n_clips:
        raise ValueError(f"{name}: cochleagrams of shape {features.shape}; give [{n_clips}, steps, channels]")
    if features.size and not (np.isfinite(features).all() and features.min() >= 0):
        raise ValueError(f"{name}: cochleagrams hold negative or infinite values; clip them at 0 and fix NaNs")


def loudness(features: Float32[np.ndarray, "e t c"]) -> Float64[np.ndarray, "e"]:
    """How loud each clip gets: the greatest L2 norm of the compressed envelopes over time (section 6).

    Args:
      features: compressed cochleagrams, at least 0.

    Returns:
      One number a clip, in the units of the envelopes.
    """
    return np.sqrt(np.square(features.astype(np.float64)).sum(axis=2)).max(axis=1)


def centroid(features: Float32[np.ndarray, "e t c"]) -> Float64[np.ndarray, "e"]:
    """How high each impact lies: centre of mass of the channel index over one frame at the centre (section 6).

    Args:
      features: compressed cochleagrams, at least 0; of 45 steps the 3 about step 22 count.

    Returns:
      Channel indices in [0, c - 1]; the middle channel where these steps are silent.
    """
    _, t, c = features.shape
    first = max(t // 2 - _CENTROID_STEPS // 2, 0)
    mass = features[:, first : first + _CENTROID_STEPS].astype(np.float64).sum(axis=1)
    total = mass.sum(axis=1)
    return np.divide(mass @ np.arange(c), total, out=np.full(len(features), (c - 1) / 2), where=total > 0)
