"""Predictions of a trained recurrent network: cochleagrams of clips and of whole films."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float32

from vis2sound_jax.audio.cochlear_pca import RootPCA, from_targets
from vis2sound_jax.audio.joining import join_windows, window_starts
from vis2sound_jax.data.impacts import STEPS, Clip, Streams
from vis2sound_jax.models.impact_lstm import ImpactLSTM
from vis2sound_jax.systems.vis import build
from vis2sound_jax.systems.vis.sounds import open_pca
from vis2sound_jax.training.checkpoint import load_params

_BATCH = 64


class Predictor:
    """A trained network with what turns its output into cochleagrams."""

    def __init__(self, net: ImpactLSTM, params: Any, pca: RootPCA, section: Any, fps: float, synthesis: Any) -> None:
        """Takes the parts; `load` finds them.

        Args:
          net: the network.
          params: its averaged weights.
          pca: of the targets.
          section: `config.prediction` or `config.detection`.
          fps: frames a second.
          synthesis: `config.synthesis`.
        """
        self.net, self.params, self.pca, self._section = net, params, pca, section
        self._window = round(synthesis.window_s * fps)
        self._overlap = round(synthesis.window_s * synthesis.overlap * fps)

    @classmethod
    def load(cls, config: Any, workdir: Path, stage: str) -> "Predictor":
        """Loads what a stage such as "prediction_no_rnn" trained.

        Args:
          config: the settings.
          workdir: of the run.
          stage: that trained it.
        """
        params = load_params(workdir / stage / "checkpoints", item="variables")["ema"]
        name, _ = build.predictor_parts(stage)
        net = build.predictor_net(config, stage)
        return cls(net, params, open_pca(workdir), config[name], config.data.fps, config.synthesis)

    def clips(self, streams: Streams, clips: Sequence[Clip]) -> Float32[np.ndarray, "e s c"]:
        """Predicts centred clips.

        Args:
          streams: what was seen.
          clips: which parts.

        Returns:
          Compressed envelopes [e, 3 frames, c] float32, >= 0.
        """
        frames = self._section.frames
        found = []
        for first in range(0, len(clips), _BATCH):
            cuts = [streams.cut(clip, frames) for clip in clips[first : first + _BATCH]]
            cuts += [cuts[-1]] * (_BATCH - len(cuts))  # one size of batch is compiled
            motion, still = (np.stack([cut[k] for cut in cuts]) for k in (0, 1))
            found.append(_predict(self.net, self.params, self.pca, motion, still))
        return np.concatenate(jax.device_get(found))[: len(clips)]

    def film(
        self, motion: Float32[np.ndarray, "t d"], colour: Float32[np.ndarray, "t e"]
    ) -> Float32[np.ndarray, "s c"]:
        """Predicts a film of any length, in windows that overlap (Owens et al. 2016, A1.1).

        Args:
          motion: [t, d] what moves in every frame, scaled.
          colour: [t, e] what every frame looks like, scaled.

        Returns:
          Compressed envelopes [3 t, c] float32.
        """
        t, lag = len(motion), self._section.lag
        shown = np.minimum(np.arange(max(t + lag, self._window)), t - 1)
        starts = window_starts(len(shown), self._window, self._overlap)
        windows = []
        for start in starts:
            cut = np.asarray(motion[shown[start : start + self._window]], np.float32)[None]
            still = np.asarray(colour[shown[start]], np.float32)[None]
            windows.append(_predict(self.net, self.params, self.pca, cut, still)[0])
        whole = join_windows(jax.device_get(windows), [STEPS * start for start in starts])
        return whole[STEPS * lag : STEPS * (t + lag)]


@functools.partial(jax.jit, static_argnums=0)
def _predict(net: ImpactLSTM, params: Any, pca: RootPCA, motion: np.ndarray, still: np.ndarray) -> jax.Array:
    return from_targets(net.apply({"params": params}, motion, still), pca)
