"""Sound for whole films by the detection model: of prepared recordings, and of any film that a user names."""

from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.systems.vis.bank import open_bank
from vis2sound_jax.systems.vis.detections import calibrate
from vis2sound_jax.systems.vis.predict import Predictor
from vis2sound_jax.systems.vis.seen import load_watcher, open_streams
from vis2sound_jax.systems.vis.sounds import erb_spec
from vis2sound_jax.systems.vis.soundtrack import Soundtrack, exemplar_soundtrack, parametric, predicted_impacts
from vis2sound_jax.video.files import probe, read_frames

KINDS = ("exemplar", "parametric")


class FilmMaker:
    """The chain from film to sound of a finished detection run."""

    def __init__(self, config: Any, workdir: Path) -> None:
        """Loads the newest weights of a run.

        Raises:
          UserError: if the run has no detection stage, or is not finished.
        """
        if "detection" not in config.stages:
            raise UserError(
                f"{config.name} predicts the sound of single impacts and does not know when they happen; "
                "use --config=configs/vis.py:detection for whole films"
            )
        if not (workdir / "detection" / "checkpoints").is_dir():
            raise file_error(
                workdir, "there is no trained detection model", "finish the run first, or name its --workdir"
            )
        if config.synthesis.kind not in KINDS:
            raise UserError(f"config.synthesis.kind is {config.synthesis.kind!r}; it must be one of {', '.join(KINDS)}")
        self.config, self.spec = config, erb_spec(config)
        self.watcher = load_watcher(config, workdir)
        self.streams = open_streams(workdir, "train")
        self.predictor = Predictor.load(config, workdir, "detection")
        self.bank = open_bank(workdir)
        self.least, colouring = calibrate(config, workdir, self.predictor, self.bank)
        self.colouring = colouring if config.synthesis.coloured else None

    def predict(self, video: Path) -> np.ndarray:
        """Predicts the cochleagram of a film, [t, c].

        Raises:
          UserError: if the file is no film.
        """
        data = self.config.data
        colour = read_frames(video, data.fps, data.height, data.width)
        grey = read_frames(video, data.fps, data.height, data.width, grey=True)
        if not len(grey):
            raise file_error(video, "the film has no pictures", "give a film that plays")
        return self.predictor.film(*self.streams.scaled(*self.watcher.watch(grey, colour)))

    def soundtrack(self, features: np.ndarray, duration_s: float, *, kind: str, seed: int) -> Soundtrack:
        """Makes a soundtrack of a predicted cochleagram.

        Args:
          features: compressed envelopes [t, c].
          duration_s: length of the film.
          kind: "exemplar" or "parametric".
          seed: of the noise.
        """
        length = round(duration_s * self.spec.rate_hz)
        if kind == "exemplar":
            return exemplar_soundtrack(
                features, self.spec, self.bank, length, least=self.least, colouring=self.colouring
            )
        wav = parametric(features, self.spec, length, iterations=self.config.synthesis.iterations, seed=seed)
        times, heights = predicted_impacts(features, self.spec)
        kept = heights >= self.least
        return Soundtrack(wav, times[kept], heights[kept], np.zeros(0, int))

    def for_video(self, video: Path, *, kind: str, seed: int) -> Soundtrack:
        """Makes a soundtrack for a film of any length, size and rate."""
        return self.soundtrack(self.predict(video), probe(video).duration_s, kind=kind, seed=seed)
