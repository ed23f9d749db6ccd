"""Conditional Foley over whole films: a trained run, and its five steps from film and example to takes."""

import os
from collections import ChainMap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from vis2sound_jax import large
from vis2sound_jax.audio.example import Example
from vis2sound_jax.data.tokens import video_window
from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.events import EventList
from vis2sound_jax.generation.compose import VideoFn
from vis2sound_jax.generation.sounding import sound_in_windows
from vis2sound_jax.generation.watch import Seen
from vis2sound_jax.retrieval.takes import agreement
from vis2sound_jax.run.steps import Composed, Events, Progress, Request, Result, Watched, as_film, generate
from vis2sound_jax.run.workdir import settings_of
from vis2sound_jax.systems.condfoley import build, trained
from vis2sound_jax.systems.condfoley.conditioning import conditions
from vis2sound_jax.systems.condfoley.edits import clock_of, events_of_list, list_of, list_of_result
from vis2sound_jax.systems.condfoley.engines import (
    CODES,
    EXEMPLAR,
    Options,
    brought_to,
    heard_at,
    heard_events,
    open_library,
)
from vis2sound_jax.systems.condfoley.networks import Networks, load_networks
from vis2sound_jax.systems.condfoley.plan import Plan, plan_pieces
from vis2sound_jax.training.keys import named_key
from vis2sound_jax.video.container import PathLike
from vis2sound_jax.video.film import Film

_AUDIBLE_S = 0.001


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
        params = ChainMap({"transformer": transformer, "video": video}, self.params)  # type: ignore[arg-type]
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
          UserError: if a file cannot be used or is silent.
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
          film: of any length.

        Returns:
          The film with its events and what the encoder says of it, a `Seen`.

        Raises:
          UserError: if it breaks off.
        """
        seen = self.see(self.pictures(film))
        return Watched(film, self.events_of(seen, film.duration_s), seen)

    def compose(self, watched: Watched, request: Request, progress: Progress | None = None) -> Composed:
        """Chooses pieces of the example for the events, or samples codes from the transformer, or both.

        Args:
          watched: the film.
          request: what is asked; `example` is needed; see `engines.Options`.
          progress: called with (columns done, columns).

        Returns:
          A plan of pieces, codes [takes, r, k], or both.

        Raises:
          UserError: if the example is missing or silent; or if the run has no network that sees events, and they are
            needed.
        """
        options, examples = Options.of(request.options), request.opened()
        if not examples:
            raise UserError("Conditional Foley needs an example sound; give one as --example")
        composed = Composed(watched, request, watched.events, notes={"engine": options.engine})
        if options.engine == CODES and len(examples) > 1:
            raise UserError(f"--engine=codes imitates one example, and {len(examples)} are given; name one of them")
        if options.engine != EXEMPLAR:
            composed = self._with_codes(composed, examples[0], options, progress)
        if options.engine != CODES:
            composed = self._with_pieces(composed, examples, options)
        return composed

    def listed(self, film: Film | Watched, events: EventList) -> Watched:
        """Takes the events of a list in place of those that are seen: instead of `watch`, or after it.

        Args:
          film: a film, which is not looked at; or what `watch` gave, where codes are to be made.
          events: the list, as `event_list` gives it and an artist changed it.

        Returns:
          The film with these events.
        """
        if isinstance(film, Film):
            return Watched(film, events_of_list(events), None)
        return replace(film, events=events_of_list(events))

    def event_list(self, found: Watched | Result, timecode: str = "") -> EventList:
        """Lists events for an artist, to be written by `api.write_events`.

        Args:
          found: what is seen in a film, or a result, whose list says which piece every event got.
          timecode: of the film's first picture; empty takes the film's own.

        Returns:
          The list; events that are not sure enough to be heard are muted in it.

        Raises:
          UserError: if the timecode does not fit the film's rate.
        """
        if isinstance(found, Watched):
            return list_of(found.events, clock_of(found.film, timecode), self.rule)
        return list_of_result(found, clock_of(found.film, timecode), self.rule)

    def edited(self, result: Result, events: EventList) -> Result:
        """Makes a result again after events were changed, but only where that can be heard.

        Args:
          result: takes of pieces.
          events: all events, as `event_list` gave them and somebody changed them.

        Returns:
          The takes in the order that they had, without scores. Every sample is what sounding the list from the
          beginning gives; those that no changed event reaches are what they were.

        Raises:
          UserError: if there are takes of codes, or an event asks for a piece that is not there.
        """
        plan, request = result.composed.plan, result.composed.request
        if plan is None or result.codes is not None:
            raise UserError("takes of codes cannot be edited; make takes of pieces with --engine=exemplar")
        watched = self.listed(result.composed.watched, events)
        heard, names = heard_events(watched.events, self.rule), [example.name for example in request.opened()]
        options = Options.of(request.options)
        made = plan_pieces(
            plan.library, heard, self.rule, options, seed=plan.seed, takes=request.takes, examples=names, before=plan
        )
        wavs = result.wavs.reshape(*result.wavs.shape[:2], -1)
        again = [made.sound_again(take, wav, plan)[0] for take, wav in enumerate(wavs)]
        laid = np.stack(again) if len(again) > 1 else again[0][None]
        composed = replace(result.composed, watched=watched, events=heard, plan=made)
        laid = laid[..., 0] if laid.shape[2] == 1 else laid
        notes = _piece_notes(made, names)
        return replace(
            result, composed=composed, wavs=laid, events=heard, scores={}, accepted=None, take_notes=tuple(notes)
        )

    def _with_codes(
        self, composed: Composed, example: Example, options: Options, progress: Progress | None
    ) -> Composed:
        film, seen = composed.watched.film, composed.watched.seen
        found = conditions(self, example, options.start_s)
        columns = self._columns(film)
        codes = self.composer.film(
            self.params["transformer"],
            found.windows,
            self._windows(film, seen, columns),
            columns,
            named_key(composed.request.seed, "codes"),
            takes=composed.request.takes,
            progress=progress,
        )
        notes = {**composed.notes, "codes_example": example.name, "example_start_s": round(found.began_s, 4)}
        if found.silence_s > _AUDIBLE_S:
            notes["silence_after_example_s"] = round(found.silence_s, 4)
        return replace(composed, codes=codes, notes=notes)

    def _with_pieces(self, composed: Composed, examples: Sequence[Example], options: Options) -> Composed:
        if self.watcher is None:
            raise UserError(
                f"the run {self.config.name} has no network that sees events, which pieces are laid at; add "
                "--engine=codes, or convert one with --job=convert --kind=video_onset"
            )
        library = open_library(examples, self.rule)
        events, request = heard_events(composed.events, self.rule), composed.request
        names = [example.name for example in examples]
        plan = plan_pieces(library, events, self.rule, options, seed=request.seed, takes=request.takes, examples=names)
        notes = {**composed.notes, "pieces": len(library.pieces), "example_has_attacks": library.clean}
        return replace(composed, events=events, plan=plan, notes=notes)

    def sound(self, composed: Composed) -> Result:
        """Lays pieces and turns codes into waveforms, take by take.

        Args:
          composed: what `compose` gave.

        Returns:
          The takes in the order in which they were drawn, those of pieces before those of codes. Pieces keep the
          channels of their examples, and takes of codes are brought to their rate.
        """
        origin = {
            "system": self.config.system,
            "config": self.config.name,
            "trained_on": self.trained_on,
            "steps": dict(self.steps),
        }
        plan, codes, duration_s = composed.plan, composed.codes, composed.watched.film.duration_s
        wavs = large.zeros((0, 0))
        if codes is not None:
            wavs = self._decoded(codes, duration_s, composed.request.seed)
        rate_hz, notes = self.rate_hz, [{"engine": CODES}] * len(wavs)
        if plan is not None:
            rate_hz, names = plan.rate_hz, [example.name for example in composed.request.opened()]
            wavs = self._laid(plan, duration_s, wavs)
            notes = _piece_notes(plan, names) + notes
        order = np.arange(len(wavs))
        return Result(composed, wavs, rate_hz, composed.events, order, origin=origin, take_notes=tuple(notes))

    def _laid(self, plan: Plan, duration_s: float, decoded: np.ndarray) -> np.ndarray:
        """Takes of pieces, and after them those of codes, brought to their rate and channels."""
        shape = round(duration_s * plan.rate_hz), plan.channels
        wavs, laid = large.zeros((len(plan.choices) + len(decoded), *shape)), len(plan.choices)
        for take in range(laid):
            plan.sound(take, duration_s, wavs[take])
        for take, wav in enumerate(decoded, laid):
            brought = brought_to(wav, self.rate_hz, plan.rate_hz, shape)
            for place in large.pieces(len(brought), brought, wavs):
                wavs[take, place] = brought[place]
        return wavs[..., 0] if shape[1] == 1 else wavs

    def _decoded(self, codes: np.ndarray, duration_s: float, seed: int) -> np.ndarray:
        """Waveforms of codes at the run's rate, window by window."""
        n, key = round(duration_s * self.rate_hz), named_key(seed, "vocoder")
        wavs = large.zeros((len(codes), n))
        for grid, wav in zip(codes, wavs, strict=True):
            mel = self.mel(grid[None])[0]
            sound_in_windows(self.vocoder, mel, self.spec.hop, key, out=wav[: mel.shape[1] * self.spec.hop])
            large.let_go(wavs)
        return wavs

    def rank(self, result: Result) -> Result:
        """Orders takes: as the run's scorer says, or by agreement with the onsets seen where it has none.

        Takes of pieces alone are laid at the onsets seen, so that no scorer is asked whether they keep time.

        Args:
          result: what `sound` gave.

        Returns:
          The same takes with their scores and order.
        """
        scored = self.scorer is not None and result.composed.codes is not None
        onsets = result.events.times_s, result.events.confidence
        agreements, wavs = [], []
        for take in result.wavs:
            wav = heard_at(take, result.rate_hz, self.rate_hz)
            agreements.append(agreement(wav, self.rate_hz, onsets))
            wavs += [wav] if scored else []
        scores = {"agreement": np.array(agreements)}
        if not scored:
            return replace(result, scores=scores, order=np.argsort(-scores["agreement"], kind="stable"))
        scores["likeness"] = self.likenesses(wavs, self._imitated(result.composed))
        seen = result.composed.watched.seen
        ranking = self.ranking(*self.offsets(seen, wavs), *scores.values())
        scores |= {"offset_s": ranking.offset_s, "confidence": ranking.confidence}
        return replace(result, scores=scores, order=ranking.order, accepted=ranking.accepted)

    def _imitated(self, composed: Composed) -> np.ndarray:
        """The sound of the example's window."""
        start_s = float(composed.notes["example_start_s"])
        return composed.request.opened()[0].read(self.rate_hz, start_s=start_s, duration_s=self.window_s)

    def _columns(self, film: Film) -> int:
        return int(np.ceil(film.duration_s / self.column_s))

    def _windows(self, film: Film, seen: Seen, columns: int) -> VideoFn:
        """Says what the transformer sees of a film in the window that begins at a column."""
        if self.clip_watcher is not None:
            return self.clips(self.pictures(film), self.composer.starts(columns)).__getitem__
        recording, prefix = self.recording("film", seen, columns), build.prefix_frames(self.config)
        return lambda start: video_window(recording, start, self.config.transformer.columns, prefix)


def _piece_notes(plan: Plan, names: Sequence[str]) -> list[dict[str, Any]]:
    """What a manifest says of takes of pieces."""
    return [{"engine": EXEMPLAR, "pieces": plan.listed(take, names)} for take in range(len(plan.choices))]


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
