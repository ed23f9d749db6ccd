"""One row of the evaluation of Visually Indicated Sounds: what is measured in its sounds, and the estimates."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from vis2sound_jax.evaluation.bootstrap import Estimate, Resampler
from vis2sound_jax.systems.vis.scoring.impacts import centroid, check_features, loudness
from vis2sound_jax.systems.vis.scoring.sound_svm import SoundSVM

_LEVELS = {"loudness": loudness, "centroid": centroid}


class Heard(NamedTuple):
    """What is measured in the sounds of a row.

    Attributes:
      clip: [m] the test clip that each judged sound is for.
      levels: by name ("loudness", "centroid"), [m] numbers.
      probabilities: by kind, [m, k] how much each sound is like each class.
    """

    clip: np.ndarray
    levels: dict[str, np.ndarray]
    probabilities: dict[str, np.ndarray]


def listen(features: Float[np.ndarray, "... t c"], n_clips: int, svms: Mapping[str, SoundSVM], row: str) -> Heard:
    """Measures the sounds of a row.

    Args:
      features: [e, t, c] cochleagrams given for the test clips, or [r, e, t, c] for several takes of each; a
        clip whose features are all NaN has no sound.
      n_clips: number of test clips e.
      svms: classifiers by kind.
      row: its name, for messages.

    Returns:
      What is heard in every sound that is there.

    Raises:
      ValueError: for a wrong shape or range.
    """
    takes = features[None] if features.ndim == 3 else features
    if takes.ndim != 4 or takes.shape[1] != n_clips:
        raise ValueError(f"{row}: cochleagrams of shape {features.shape}; give [{n_clips}, steps, channels]")
    clip = np.tile(np.arange(n_clips), len(takes))
    sounds = takes.reshape(-1, *takes.shape[2:])
    present = ~np.isnan(sounds).all(axis=(1, 2))
    clip, sounds = clip[present], sounds[present]
    check_features(sounds, len(clip), row)
    levels = {name: measure(sounds) for name, measure in _LEVELS.items()}
    return Heard(clip, levels, {kind: svm.probabilities(sounds) for kind, svm in svms.items()})


class RowScorer:
    """Estimates over draws of recordings that all rows share."""

    def __init__(self, recordings: Sequence[str], seed: int):
        """Makes the draws.

        Args:
          recordings: the recording of each test clip.
          seed: of the bootstrap.
        """
        names, self._group = np.unique(np.array(recordings, dtype=str), return_inverse=True)
        self._resampler = Resampler.over(names.tolist(), seed=seed)
        self._count = len(names)

    def levels(self, heard: Heard, real: Mapping[str, np.ndarray]) -> dict[str, Estimate]:
        """Mean squared error and Pearson correlation of each level (section 6).

        Args:
          heard: the row.
          real: by name, the levels of the real sound of every test clip.

        Returns:
          `loudness_mse`, `loudness_r`, `centroid_mse` and `centroid_r`.
        """
        found, group = {}, self._group[heard.clip]
        for name, levels in heard.levels.items():
            pairs = np.stack([real[name][heard.clip], levels], axis=1)
            per_recording = [pairs[group == g] for g in range(self._count)]
            error = [float(np.square(p[:, 0] - p[:, 1]).sum()) for p in per_recording]
            found[f"{name}_mse"] = self._resampler.ratio(error, [len(p) for p in per_recording])
            found[f"{name}_r"] = self._resampler.pearson(per_recording)
        return found

    def right(
        self, heard: Heard, kind: str, classes: Sequence[str], labels: np.ndarray
    ) -> tuple[Estimate, dict[str, Estimate]]:
        """How often the classifier names the true label.

        Args:
          heard: the row.
          kind: what is told apart.
          classes: the classifier's classes; clips of other labels are left out.
          labels: the true label of every test clip.

        Returns:
          The class-averaged accuracy (section 6), and the accuracy of each class.
        """
        names = np.array(classes, dtype=str)
        true = labels[heard.clip]
        named_right = names[heard.probabilities[kind].argmax(axis=1)] == true
        is_class = true[:, None] == names
        total = self._per_recording(is_class, heard.clip)
        correct = self._per_recording(is_class & named_right[:, None], heard.clip)
        each = {
            name: self._resampler.ratio(correct[:, k].tolist(), total[:, k].tolist()) for k, name in enumerate(classes)
        }
        return self._resampler.class_mean(correct, total), each

    def _per_recording(self, marks: np.ndarray, clip: np.ndarray) -> np.ndarray:
        counts = np.zeros((self._count, marks.shape[1]), np.int64)
        np.add.at(counts, self._group[clip], marks)
        return counts
