"""AutoFoley over whole films: a finished run, and its five steps from film to sound."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from ml_collections import ConfigDict

from vis2sound_jax.audio.amplitudes import AmplitudeSpec
from vis2sound_jax.audio.onsets import onset_events
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.run.card import check_files
from vis2sound_jax.run.choices import unknown_choice
from vis2sound_jax.run.nearest import nearest
from vis2sound_jax.run.recordings import data_name
from vis2sound_jax.run.steps import Composed, Events, Progress, Request, Result, Watched, as_film, generate
from vis2sound_jax.run.workdir import checkpoints_dir, settings_of
from vis2sound_jax.systems.autofoley import build
from vis2sound_jax.systems.autofoley.predict import Pairs, Predictor, Seen
from vis2sound_jax.systems.autofoley.soundtrack import PHASES, NearestClips, griffin_lim_sounder, in_blocks
from vis2sound_jax.training.checkpoint import is_kept, load_meta
from vis2sound_jax.video.container import PathLike
from vis2sound_jax.video.film import Film

_HEARD = 0.22  # least confidence of an onset in what was made; see `audio.onsets.decided_onsets`


@dataclass(frozen=True)
class ClassFoley:
    """A trained chain; `load` makes it.

    Attributes:
      config: the settings.
      spec: of its spectrograms.
      predictor: the network.
      clips: the training clips, for their phases; None where Griffin-Lim finds them.
      steps: updates that the network made.
    """

    config: ConfigDict
    spec: AmplitudeSpec
    predictor: Predictor
    clips: NearestClips | None
    steps: dict[str, int]

    @property
    def rate_hz(self) -> int:
        """Sample rate of all sounds."""
        return self.spec.rate_hz

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that it knows."""
        return self.predictor.means.classes

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
        """Lists the onsets of the sound that is made for a film.

        Args:
          film: an open film or a file.

        Returns:
          Their times.
        """
        return self.generate(as_film(film), Request()).events

    def watch(self, film: Film) -> Watched:
        """Looks at a film.

        Args:
          film: of any length.

        Returns:
          The film with what is predicted of it; onsets are heard in what is made.

        Raises:
          UserError: if it breaks off.
        """
        data = self.config.data
        pictures = film.pictures(data.fps, data.height, data.width, look="both")
        if not len(pictures):
            raise file_error(film.name, "the film has no pictures", "give a film that plays")
        return Watched(film, Events(np.zeros(0), np.zeros(0)), self.seen(pictures))

    def seen(self, pictures: Pairs) -> Seen:
        """Predicts residual spectra and class of a film.

        Args:
          pictures: its frames, each in grey and in colour.
        """
        return self.predictor.film(pictures)

    def compose(self, watched: Watched, request: Request, progress: Progress | None = None) -> Composed:
        """Decides the class, over the whole film, and adds its mean.

        Args:
          watched: the film.
          request: what is asked; its option `class` names the class.
          progress: not called.

        Returns:
          The spectrogram.

        Raises:
          UserError: if there is no such class, more than one take is asked for, or an example is given.
        """
        if request.takes > 1 or request.example is not None:
            raise UserError("AutoFoley makes one take and takes no example; leave these out")
        seen: Seen = watched.seen
        recognised = self.classes[int(seen.logits.argmax())]
        name = request.options.get("class") or recognised
        if name not in self.classes:
            raise UserError(f"--class={name}: there is no such class{nearest(name, self.classes)}")
        odds = np.exp(seen.logits - seen.logits.max())
        likely = {self.classes[k]: round(float(odds[k] / odds.sum()), 4) for k in np.argsort(-odds)[:3]}
        rows = self.predictor.amplitudes(seen, self.classes.index(name))
        notes = {"class": name, "recognised": recognised, "likely": likely}
        return Composed(watched, request, watched.events, envelopes=rows, notes=notes)

    def sound(self, composed: Composed) -> Result:
        """Finds a sound that has the spectrogram.

        Args:
          composed: what `compose` gave.

        Returns:
          One take.
        """
        assert composed.envelopes is not None  # `compose` gives them
        made = self.soundtrack(composed.envelopes, str(composed.notes["class"]), composed.request.seed)
        length = round(composed.watched.film.duration_s * self.rate_hz)
        wav = np.pad(made, (0, max(0, length - len(made))))[:length]
        times_s, confidence = onset_events(wav, self.rate_hz)
        heard = Events(times_s, confidence).chosen(confidence >= _HEARD)
        origin = {
            "system": self.config.system,
            "config": self.config.name,
            "trained_on": data_name(self.config),
            "steps": self.steps,
        }
        return Result(composed, wav[None], self.rate_hz, heard, np.zeros(1, int), origin=origin)

    def rank(self, result: Result) -> Result:
        """Leaves the one take as it is."""
        return result

    def soundtrack(self, rows: Float32[np.ndarray, "k f"], name: str, seed: int) -> Float32[np.ndarray, "n"]:
        """Sounds a spectrogram.

        Args:
          rows: of a whole film.
          name: of its class, among whose clips phases are looked for.
          seed: of Griffin-Lim's first phases.

        Returns:
          As many hops as there are columns; peaks may exceed 1.
        """
        block = self.predictor.size.columns
        if self.clips is not None:
            return in_blocks(rows, self.spec, block, self.clips.sounder(name))
        return in_blocks(rows, self.spec, block, griffin_lim_sounder(self.spec, self.config.synthesis.iterations, seed))


def load(workdir: str | os.PathLike[str], config: ConfigDict | None = None, model: str = "") -> ClassFoley:
    """Loads a finished run.

    Args:
      workdir: the folder that `python -m vis2sound_jax.main` wrote.
      config: settings to use instead of the run's own, for example of the synthesis.
      model: "sequence" or "relation"; by default `config.model`.

    Returns:
      The chain.

    Raises:
      UserError: if the run is not finished.
    """
    folder = Path(workdir)
    check_files(folder)
    settings = config or settings_of(folder)
    model = model or settings.model
    if model not in build.MODELS:
        raise UserError(f"config.model is {model!r}; it must be one of {', '.join(build.MODELS)}")
    if settings.synthesis.phase not in PHASES:
        raise unknown_choice("synthesis", settings.synthesis.phase, PHASES, "phase")
    if not is_kept(checkpoints_dir(folder, model)):
        raise file_error(folder, f"there is no trained {model} network", "finish the run first, or name its --workdir")
    return ClassFoley(
        config=settings,
        spec=build.amplitude_spec(settings),
        predictor=Predictor.load(settings, folder, model),
        clips=NearestClips(settings, folder) if settings.synthesis.phase == "nearest" else None,
        steps={model: load_meta(checkpoints_dir(folder, model))["step"]},
    )


def model_stages(config: Any) -> list[str]:
    """Names the networks that a run trains, in the order of its stages."""
    return [name for name in config.stages if name in build.MODELS]
