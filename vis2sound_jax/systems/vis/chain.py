"""Visually Indicated Sounds over whole films: a finished detection run, and its five steps from film to sound."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from ml_collections import ConfigDict

from vis2sound_jax.audio.colouring import Colouring
from vis2sound_jax.audio.erb import ErbSpec
from vis2sound_jax.data.impacts import Scales
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.retrieval.exemplars import ExemplarBank
from vis2sound_jax.run.card import check_files
from vis2sound_jax.run.choices import unknown_choice
from vis2sound_jax.run.recordings import data_name
from vis2sound_jax.run.steps import Composed, Events, Progress, Request, Result, Watched, as_film, generate
from vis2sound_jax.run.workdir import checkpoints_dir, settings_of
from vis2sound_jax.systems.vis.bank import open_bank
from vis2sound_jax.systems.vis.detections import calibrate
from vis2sound_jax.systems.vis.predict import Predictor
from vis2sound_jax.systems.vis.seen import load_watcher, open_scales
from vis2sound_jax.systems.vis.sounds import erb_spec
from vis2sound_jax.systems.vis.soundtrack import Soundtrack, exemplar_soundtrack, impacts_above, parametric
from vis2sound_jax.systems.vis.watching import FilmWatcher, Pairs
from vis2sound_jax.training.checkpoint import is_kept, load_meta
from vis2sound_jax.video.container import PathLike
from vis2sound_jax.video.film import Film

KINDS = ("exemplar", "parametric")


@dataclass(frozen=True)
class ImpactFoley:
    """A trained chain; `load` makes it.

    Attributes:
      config: the settings.
      spec: of its cochleagrams.
      watcher: the streams of motion and colour.
      scales: of what is seen.
      predictor: the recurrent network.
      bank: the training sounds.
      least: amplitude from which a predicted peak is an impact.
      colouring: gives predictions the statistics of real impacts; None leaves them as they are.
      steps: updates that each network made.
    """

    config: ConfigDict
    spec: ErbSpec
    watcher: FilmWatcher
    scales: Scales
    predictor: Predictor
    bank: ExemplarBank
    least: float
    colouring: Colouring | None
    steps: dict[str, int]

    @property
    def rate_hz(self) -> int:
        """Sample rate of all sounds."""
        return self.spec.rate_hz

    def generate(self, film: Film | PathLike, request: Request, progress: Progress | None = None) -> Result:
        """Makes a soundtrack for a silent film; see `run.steps.generate`.

        Args:
          film: an open film or a file, of any length, size and rate.
          request: what is asked.
          progress: not called, since no step is long.

        Returns:
          One take.

        Raises:
          UserError: if the file cannot be used.
        """
        return generate(self, film, request, progress)

    def onsets(self, film: Film | PathLike) -> Events:
        """Lists the impacts predicted for a film; their confidence is the amplitude of each.

        Args:
          film: an open film or a file.

        Returns:
          The events, those above the threshold.
        """
        return self.watch(as_film(film)).events

    def watch(self, film: Film) -> Watched:
        """Looks at a film and predicts its cochleagram.

        Args:
          film: of any length.

        Returns:
          The film with its impacts and the envelopes [t, c].

        Raises:
          UserError: if it breaks off.
        """
        data = self.config.data
        pictures = film.pictures(data.fps, data.height, data.width, look="both")
        if not len(pictures):
            raise file_error(film.name, "the film has no pictures", "give a film that plays")
        envelopes = self.envelopes(pictures)
        return Watched(film, self.impacts(envelopes), envelopes)

    def envelopes(self, pictures: Pairs) -> Float32[np.ndarray, "t c"]:
        """Predicts the cochleagram of a film.

        Args:
          pictures: its frames, each in grey and in colour.

        Returns:
          Compressed envelopes.
        """
        return self.predictor.film(*self.scales.apply(*self.watcher.watch(pictures)))

    def compose(self, watched: Watched, request: Request, progress: Progress | None = None) -> Composed:
        """Decides how impacts are sounded.

        Args:
          watched: the film.
          request: what is asked; its option `synthesis` may be "exemplar" or "parametric".
          progress: not called.

        Returns:
          The envelopes with the events that will be heard.

        Raises:
          UserError: if there is no such synthesis, more than one take is asked for, or an example is given.
        """
        kind = request.options.get("synthesis") or self.config.synthesis.kind
        if kind not in KINDS:
            raise unknown_choice("request", kind, KINDS, "synthesis")
        if request.takes > 1 or request.example is not None:
            raise UserError("Visually Indicated Sounds makes one take and takes no example; leave these out")
        return Composed(watched, request, watched.events, envelopes=watched.seen, notes={"synthesis": kind})

    def sound(self, composed: Composed) -> Result:
        """Copies training sounds at the impacts, or imposes the envelopes on noise.

        Args:
          composed: what `compose` gave.

        Returns:
          One take.
        """
        assert composed.envelopes is not None  # `compose` gives them
        made = self.soundtrack(
            composed.envelopes,
            composed.watched.film.duration_s,
            composed.events,
            kind=str(composed.notes["synthesis"]),
            seed=composed.request.seed,
        )
        notes = tuple({"exemplar": self._exemplar(int(k))} for k in made.exemplars)
        origin = {
            "system": self.config.system,
            "config": self.config.name,
            "trained_on": data_name(self.config),
            "steps": self.steps,
        }
        events = Events(made.peak_s, made.height, notes)
        return Result(composed, made.wav[None], self.rate_hz, events, np.zeros(1, int), origin=origin)

    def rank(self, result: Result) -> Result:
        """Leaves the one take as it is."""
        return result

    def soundtrack(
        self, envelopes: Float32[np.ndarray, "t c"], duration_s: float, events: Events, *, kind: str, seed: int
    ) -> Soundtrack:
        """Makes a soundtrack of a predicted cochleagram.

        Args:
          envelopes: compressed envelopes.
          duration_s: length of the film.
          events: the impacts at which training sounds are copied.
          kind: "exemplar" or "parametric".
          seed: of the noise.

        Returns:
          The soundtrack with its impacts.
        """
        length = round(duration_s * self.rate_hz)
        impacts = {"times_s": events.times_s, "heights": events.confidence}
        if kind == "exemplar":
            return exemplar_soundtrack(envelopes, self.spec, self.bank, length, colouring=self.colouring, **impacts)
        wav = parametric(envelopes, self.spec, length, iterations=self.config.synthesis.iterations, seed=seed)
        return Soundtrack(wav, events.times_s, events.confidence, np.zeros(0, int))

    def impacts(self, envelopes: Float32[np.ndarray, "t c"]) -> Events:
        """Lists the impacts of a predicted cochleagram that are loud enough to be heard."""
        return Events(*impacts_above(envelopes, self.spec, self.least))

    def _exemplar(self, k: int) -> dict[str, Any]:
        """Where a copied sound comes from."""
        bank = self.bank
        time_s = round(float(bank.times_s[k]), 4)
        return {"recording": bank.ids[k], "time_s": time_s, "material": bank.labels["material"][k]}


def load(workdir: str | os.PathLike[str], config: ConfigDict | None = None) -> ImpactFoley:
    """Loads a finished detection run.

    Args:
      workdir: the folder that `python -m vis2sound_jax.main` wrote.
      config: settings to use instead of the run's own, for example of the synthesis.

    Returns:
      The chain.

    Raises:
      UserError: if the run has no detection stage, or is not finished.
    """
    folder = Path(workdir)
    check_files(folder)
    settings = config or settings_of(folder)
    if "detection" not in settings.stages:
        raise UserError(
            f"{settings.name} predicts the sound of single impacts and does not know when they happen; "
            "use --config=configs/vis.py:detection for whole films"
        )
    if not is_kept(checkpoints_dir(folder, "detection")):
        remedy = (
            "finish the run first, name its --workdir, or leave out both --workdir and the preset to use the weights "
            "that ship with vis2sound_jax"
        )
        raise file_error(folder, "there is no trained detection model", remedy)
    if settings.synthesis.kind not in KINDS:
        raise unknown_choice("synthesis", settings.synthesis.kind, KINDS)
    predictor, bank = Predictor.load(settings, folder, "detection"), open_bank(folder)
    least, colouring = calibrate(settings, folder, predictor, bank)
    small = ("streams",) if settings.streams.kind == "small" else ()
    return ImpactFoley(
        config=settings,
        spec=erb_spec(settings),
        watcher=load_watcher(settings, folder),
        scales=open_scales(folder),
        predictor=predictor,
        bank=bank,
        least=least,
        colouring=colouring if settings.synthesis.coloured else None,
        steps={stage: load_meta(checkpoints_dir(folder, stage))["step"] for stage in (*small, "detection")},
    )
