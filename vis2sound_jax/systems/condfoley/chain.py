"""Conditional Foley over whole films: a trained run, and its five steps from film and example to takes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from vis2sound_jax.data.tokens import video_window
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.compose import VideoFn
from vis2sound_jax.generation.sounding import sound_in_windows
from vis2sound_jax.generation.watch import Seen
from vis2sound_jax.retrieval.takes import agreement
from vis2sound_jax.run.steps import Composed, Events, Progress, Request, Result, Watched, as_film, generate
from vis2sound_jax.run.workdir import settings_of
from vis2sound_jax.systems.condfoley import build, trained
from vis2sound_jax.systems.condfoley.conditioning import conditions
from vis2sound_jax.systems.condfoley.networks import Networks, load_networks
from vis2sound_jax.training.keys import named_key
from vis2sound_jax.video.container import PathLike
from vis2sound_jax.video.film import Film


@dataclass(frozen=True)
class FilmSeen:
    """What the chain sees of a film.

    Attributes:
      seen: by the encoder.
      clips: by a transformer's own video network: first column of a window → features [p, d]; None without one.
    """

    seen: Seen
    clips: Mapping[int, np.ndarray] | None = None


@dataclass(frozen=True)
class Foley(Networks):
    """A trained chain with its five steps; `load` makes it, and variants of it are new values."""

    def ablated(self, name: str, workdir: Path) -> "Foley":
        """Returns the same chain with the transformer, and the video network of its own, of an ablation.

        Args:
          name: of the ablation.
          workdir: of the run.

        Raises:
          UserError: if it was not trained.
        """
        transformer, video = trained.transformer_params(self.config, workdir, name)
        params = {**self.params, "transformer": transformer, "video": video}
        return replace(self, composer=build.composer(self.config, name), params=params)

    def generate(self, film: Film | PathLike, request: Request, progress: Progress | None = None) -> Result:
        """Makes soundtracks for a silent film that sound like an example; see `run.steps.generate`.

        Args:
          film: an open film or a file; its own sound, if any, is not heard.
          request: what is asked; `example` is needed.
          progress: called with (columns done, columns).

        Returns:
          The takes, ranked.

        Raises:
          UserError: if a file cannot be used, is silent or shorter than a window.
        """
        return generate(self, film, request, progress)

    def onsets(self, film: Film | PathLike) -> Events:
        """Lists the events seen in a film.

        Args:
          film: of any length, size and frame rate.

        Returns:
          Times on the film's clock and probabilities.

        Raises:
          UserError: if the file is no film, or the run has no network that finds onsets.
        """
        if self.watcher is None:
            raise UserError(
                f"the run {self.config.name} has no network that finds onsets; train its stage encoder, or convert "
                "one with --job=convert --kind=video_onset"
            )
        opened = as_film(film)
        return self.events_of(self.see(self.pictures(opened)), opened.duration_s)

    def watch(self, film: Film) -> Watched:
        """Looks at a film: the first step after opening it.

        Args:
          film: at least a window long.

        Returns:
          The film with its events and a `FilmSeen`.

        Raises:
          UserError: if it is shorter, or breaks off.
        """
        self.check_length(film.name if film.path is None else film.path, film.duration_s, "give a longer film")
        pictures, clips = self.pictures(film), None
        if self.clip_watcher is not None:
            clips = self.clips(pictures, self.composer.starts(self._columns(film)))
        seen = self.see(pictures)
        return Watched(film, self.events_of(seen, film.duration_s), FilmSeen(seen, clips))

    def compose(self, watched: Watched, request: Request, progress: Progress | None = None) -> Composed:
        """Samples codes for a film from the transformer.

        Args:
          watched: the film.
          request: what is asked; `example` is needed.
          progress: called with (columns done, columns).

        Returns:
          Codes [takes, r, k] of every take.

        Raises:
          UserError: if the example is missing, silent or shorter than a window.
        """
        example = request.opened()
        if example is None:
            raise UserError("Conditional Foley needs an example sound; give one as --example")
        cut, began_s = conditions(self, example, request.start_s)
        columns = self._columns(watched.film)
        codes = self.composer.film(
            self.params["transformer"],
            cut,
            self._windows(watched.seen, columns),
            columns,
            named_key(request.seed, "codes"),
            takes=request.takes,
            progress=progress,
        )
        return Composed(watched, request, watched.events, codes=codes, notes={"example_start_s": round(began_s, 4)})

    def sound(self, composed: Composed) -> Result:
        """Turns codes into waveforms, take by take and window by window.

        Args:
          composed: what `compose` gave.

        Returns:
          The takes in the order in which they were drawn.
        """
        assert composed.codes is not None  # `compose` makes them
        n, key = round(composed.watched.film.duration_s * self.rate_hz), named_key(composed.request.seed, "vocoder")
        wavs = np.zeros((len(composed.codes), n), np.float32)
        for take, grid in enumerate(composed.codes):
            mel = self.mel(grid[None])[0]
            sound_in_windows(self.vocoder, mel, self.spec.hop, key, out=wavs[take, : mel.shape[1] * self.spec.hop])
        origin = {
            "system": self.config.system,
            "config": self.config.name,
            "trained_on": self.trained_on,
            "steps": dict(self.steps),
        }
        return Result(composed, wavs, self.rate_hz, composed.events, np.arange(len(wavs)), origin=origin)

    def rank(self, result: Result) -> Result:
        """Orders takes: as the run's scorer says, or by agreement with the onsets seen where it has none.

        Args:
          result: what `sound` gave.

        Returns:
          The same takes with their scores and order.
        """
        onsets = result.events.times_s, result.events.confidence
        scores = {"agreement": np.array([agreement(wav, self.rate_hz, onsets) for wav in result.wavs])}
        if self.scorer is None:
            return replace(result, scores=scores, order=np.argsort(-scores["agreement"], kind="stable"))
        scores["likeness"] = self.likenesses(result.wavs, self._imitated(result.composed))
        ranking = self.ranking(*self.offsets(result.composed.watched.seen.seen, result.wavs), *scores.values())
        scores |= {"offset_s": ranking.offset_s, "confidence": ranking.confidence}
        return replace(result, scores=scores, order=ranking.order, accepted=ranking.accepted)

    def _imitated(self, composed: Composed) -> np.ndarray:
        """The sound of the example's window."""
        example = composed.request.opened()
        assert example is not None  # `compose` needs one
        first, length = (round(s * self.rate_hz) for s in (composed.notes["example_start_s"], self.window_s))
        return example.read(self.rate_hz)[first : first + length]

    def _columns(self, film: Film) -> int:
        return int(np.ceil(film.duration_s / self.column_s))

    def _windows(self, film: FilmSeen, columns: int) -> VideoFn:
        """Says what the transformer sees of a film in the window that begins at a column."""
        if film.clips is not None:
            return film.clips.__getitem__
        recording, prefix = self.recording("film", film.seen, columns), build.prefix_frames(self.config)
        return lambda start: video_window(recording, start, self.config.transformer.columns, prefix)


def load(workdir: str | os.PathLike[str], config: ConfigDict | None = None) -> Foley:
    """Loads a finished run.

    The first film compiles for seconds. `main` keeps compiled programs in a folder for the next time; a program of
    your own does so if it sets JAX_COMPILATION_CACHE_DIR before jax is imported, or calls
    `jax.config.update("jax_compilation_cache_dir", FOLDER)`.

    Args:
      workdir: the folder that `python -m vis2sound_jax.main` wrote.
      config: settings to use instead of the run's own, for example of the decoding; what the weights depend
        on must be the same.

    Returns:
      The chain.

    Raises:
      UserError: if the folder holds no trained run, or the config is not the one of its weights.
    """
    settings = settings_of(Path(workdir))
    if config is not None:
        trained.check_same(Path(workdir), settings, config)
    return Foley(**vars(load_networks(config or settings, Path(workdir))))
