"""From a predicted spectrogram to a soundtrack of any length: blocks of one size, faded into each other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32

from vis2sound_jax.audio.amplitudes import AmplitudeSpec, sound_of, sound_with_phase
from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.data.foley_clips import looped
from vis2sound_jax.data.rows import Rows
from vis2sound_jax.prepare.sources import Records
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.autofoley import build
from vis2sound_jax.systems.autofoley.sounds import sounds_dir

PHASES = ("griffin_lim", "nearest")
SEAM_S = 0.1
"""Over so long neighbouring blocks are faded into each other."""

Sounder = Callable[[Float32[np.ndarray, "k f"], int], Float32[np.ndarray, "n"]]
"""Sounds a block; the number is that of the block."""


def in_blocks(
    rows: Float32[np.ndarray, "k f"], spec: AmplitudeSpec, block: int, sound: Sounder
) -> Float32[np.ndarray, "n"]:
    """Sounds a spectrogram in blocks of one size, so that one program is compiled whatever the film's length.

    Neighbours have other phases, so that they are faded with equal power.

    Args:
      rows: of the whole film.
      spec: how they were made.
      block: columns of a block.
      sound: sounds one.

    Returns:
      n = k * hop samples.
    """
    seam = max(1, round(SEAM_S * spec.rate_hz / spec.hop))
    total, out = len(rows), np.zeros(len(rows) * spec.hop, np.float32)
    for number, first in enumerate(range(0, max(total - seam, 1), block - seam)):
        part = rows[first : first + block]
        wav = sound(np.pad(part, ((0, block - len(part)), (0, 0))), number)[: len(part) * spec.hop]
        if number:
            faded = min(seam * spec.hop, len(wav))
            turn = (np.arange(faded, dtype=np.float32) + 0.5) / (seam * spec.hop) * np.float32(np.pi / 2)
            out[first * spec.hop :][:faded] *= np.cos(turn)
            wav = np.concatenate([wav[:faded] * np.sin(turn), wav[faded:]])
        out[first * spec.hop :][: len(wav)] += wav
    return out


def griffin_lim_sounder(spec: AmplitudeSpec, iterations: int, seed: int) -> Sounder:
    """Makes what sounds blocks from random phases.

    Args:
      spec: how rows were made.
      iterations: rounds.
      seed: of the phases.
    """
    key = jax.random.key(seed)

    def sound(rows: np.ndarray, number: int) -> np.ndarray:
        made = sound_of(jnp.asarray(rows), spec, jax.random.fold_in(key, number), iterations=iterations)
        return np.array(made)

    return sound


class NearestClips:
    """The training clips of a run, by class, to borrow phases or whole sounds from."""

    def __init__(self, config: Any, workdir: Path) -> None:
        """Opens them.

        Args:
          config: the settings.
          workdir: of the run.
        """
        self._rows = Rows(sounds_dir(workdir), "train")
        self._records: Records = open_split(config, prepared_dir(workdir), "train")
        self._spec = build.amplitude_spec(config)
        self._classes = [self._rows.notes[name] for name in self._rows.recordings]

    def nearest(self, rows: Float32[np.ndarray, "k f"], name: str) -> int:
        """Finds the clip whose spectrogram is nearest.

        Args:
          rows: wanted.
          name: of the class.

        Returns:
          Its place among the training clips.
        """
        own = [k for k, label in enumerate(self._classes) if label == name]
        apart = []
        for k in own:
            clip = self._rows[self._rows.recordings[k]]
            apart.append(float(((np.asarray(clip[looped(0, len(rows), len(clip))], np.float32) - rows) ** 2).mean()))
        return own[int(np.argmin(apart))]

    def wav(self, place: int, samples: int) -> Float32[np.ndarray, "n"]:
        """The sound of a clip, looped where it is shorter.

        Args:
          place: of the clip.
          samples: wanted.
        """
        wav, _ = decode_flac(self._records[place]["audio"])
        return np.asarray(wav[looped(0, samples, len(wav))], np.float32)

    def sounder(self, name: str) -> Sounder:
        """Makes what sounds blocks with the phases of the nearest clip of a class.

        Args:
          name: of the class.
        """

        def sound(rows: np.ndarray, number: int) -> np.ndarray:
            del number
            other = self.wav(self.nearest(rows, name), len(rows) * self._spec.hop)
            return np.array(sound_with_phase(jnp.asarray(rows), jnp.asarray(other), self._spec))

        return sound
