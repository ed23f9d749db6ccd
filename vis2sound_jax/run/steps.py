"""From film to film in five steps, the same for every system: open, watch, compose, sound, rank.

Each step takes what the one before it gave and adds to it; nothing that was given is changed. A program may go on from
any of them with another value: with edited events, another request, other codes.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jaxtyping import Bool, Float, Int

from vis2sound_jax.audio.example import Example, open_examples
from vis2sound_jax.errors import UserError
from vis2sound_jax.video.container import PathLike
from vis2sound_jax.video.film import Film

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclasses.dataclass(frozen=True)
class Events:
    """When something sounds.

    Attributes:
      times_s: [k] seconds on the film's clock, ascending.
      confidence: [k] of each; a probability, or in Visually Indicated Sounds the amplitude of the predicted impact.
      notes: what else is known of each, such as the exemplar that was copied; empty or k entries.
    """

    times_s: np.ndarray
    confidence: np.ndarray
    notes: tuple[Mapping[str, Any], ...] = ()

    def __len__(self) -> int:
        """Number of events."""
        return len(self.times_s)

    def chosen(self, kept: Bool[np.ndarray, "k"]) -> "Events":
        """Keeps some of the events.

        Args:
          kept: True for each that stays.

        Returns:
          Those, with their notes.
        """
        notes = tuple(note for note, stays in zip(self.notes, kept, strict=True) if stays) if self.notes else ()
        return Events(self.times_s[kept], self.confidence[kept], notes)

    def listed(self) -> list[dict[str, Any]]:
        """The events as JSON objects, rounded to a tenth of a millisecond."""
        notes = self.notes or ({},) * len(self)
        rows = zip(self.times_s, self.confidence, notes, strict=True)
        return [{"time_s": round(float(t), 4), "confidence": round(float(c), 5), **note} for t, c, note in rows]


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked of a system for a film.

    Attributes:
      example: what it should sound like: an open example, a file or a folder of sounds, or several of them; systems
        without examples leave it aside.
      takes: number of different soundtracks, at least 1.
      seed: the same seed gives the same soundtracks on the same machine.
      options: what the system itself offers, by name; see its page.
      tracks: numbers of the examples' sound tracks, from 1, one for all or one for each; empty for the first that is
        not silent.
    """

    example: Example | PathLike | Sequence[Example | PathLike] | None = None
    takes: int = 1
    seed: int = 0
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    tracks: Sequence[int] = ()

    def __post_init__(self) -> None:
        """Refuses a number of takes below 1."""
        if self.takes < 1:
            raise UserError(f"takes is {self.takes}; at least 1 take is needed")

    def opened(self) -> tuple[Example, ...]:
        """The examples, opened where they were named by their files; none where there is none.

        Raises:
          UserError: if a file cannot be read or has no such sound track, or a folder holds no sounds.
        """
        return open_examples(self.named(), self.tracks)

    def named(self) -> tuple[Example | PathLike, ...]:
        """The examples as they were given, one after another; none where there is none."""
        if self.example is None:
            return ()
        if isinstance(self.example, str) or not isinstance(self.example, Sequence):
            return (self.example,)
        return tuple(self.example)


@dataclasses.dataclass(frozen=True)
class Watched:
    """A film and what a system sees in it.

    Attributes:
      film: the film.
      events: when something is seen to sound.
      seen: what the system's next step needs of the pictures; its own kind of value.
    """

    film: Film
    events: Events
    seen: Any


@dataclasses.dataclass(frozen=True)
class Composed:
    """What a film is to sound like, before it sounds.

    Attributes:
      watched: the film.
      request: what was asked.
      events: those that will be heard.
      codes: [takes, r, k] codes of sound; None for a system without codes.
      envelopes: [t, c] predicted envelopes; None for a system without them.
      plan: what else the system's next step needs; its own kind of value.
      notes: what a manifest should say of this step.
    """

    watched: Watched
    request: Request
    events: Events
    codes: np.ndarray | None = None
    envelopes: np.ndarray | None = None
    plan: Any = None
    notes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Result:
    """Soundtracks for a film.

    Attributes:
      composed: what they were made from.
      wavs: [takes, n] float32, each as long as the film; [takes, n, 2] where they are left and right. In [-1, 1] but
        where sounds add up; delivery limits their peaks. Of long films they lie in a temporary file (`large.zeros`).
      rate_hz: their sample rate, the system's own; `run.delivery` makes another of it when they are written.
      events: those that are heard.
      order: [takes] indices of the takes, the best first.
      scores: by name, [takes] what they were ranked by.
      accepted: [takes] whether a take keeps time with the film; None where nothing tells.
      origin: what made them: system, config, training data, steps.
      take_notes: [takes] what a manifest should say of each take; empty where there is nothing to say.
    """

    composed: Composed
    wavs: np.ndarray
    rate_hz: int
    events: Events
    order: np.ndarray
    scores: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    accepted: np.ndarray | None = None
    origin: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    take_notes: tuple[Mapping[str, Any], ...] = ()

    @property
    def film(self) -> Film:
        """The film that they are for."""
        return self.composed.watched.film

    @property
    def seed(self) -> int:
        """The seed that was asked for."""
        return self.composed.request.seed

    @property
    def channels(self) -> int:
        """Number of channels of a take."""
        return 1 if self.wavs.ndim == 2 else int(self.wavs.shape[2])

    @property
    def codes(self) -> Int[np.ndarray, "takes r k"] | None:
        """[takes, r, k] codes of sound; None for a system without codes."""
        return self.composed.codes

    @property
    def envelopes(self) -> Float[np.ndarray, "t c"] | None:
        """[t, c] predicted envelopes; None for a system without them."""
        return self.composed.envelopes

    @property
    def best(self) -> int:
        """Index of the first take of `order`."""
        return int(self.order[0])

    def scores_of(self, take: int) -> dict[str, Any]:
        """What a take was ranked by, and what else is known of it, as a JSON object."""
        found: dict[str, Any] = {name: round(float(values[take]), 4) for name, values in self.scores.items()}
        if self.accepted is not None:
            found["accepted"] = bool(self.accepted[take])
        return {**found, **(self.take_notes[take] if self.take_notes else {})}


class System(Protocol):
    """What `api.load` returns: a trained run of any system."""

    @property
    def config(self) -> Any:
        """The settings of the run."""
        ...

    @property
    def rate_hz(self) -> int:
        """Sample rate of all its sounds."""
        ...

    def watch(self, film: Film) -> Watched:
        """Looks at a film."""
        ...

    def compose(self, watched: Watched, request: Request, progress: Progress | None = None) -> Composed:
        """Decides what the film is to sound like.

        Args:
          watched: the film.
          request: what is asked.
          progress: called with (done, total).
        """
        ...

    def sound(self, composed: Composed) -> Result:
        """Makes it sound."""
        ...

    def rank(self, result: Result) -> Result:
        """Orders the takes."""
        ...


def as_film(film: Film | PathLike) -> Film:
    """Opens a film that was named by its file.

    Args:
      film: an open film, or a file.

    Returns:
      The open film.

    Raises:
      UserError: if the file is no film.
    """
    return film if isinstance(film, Film) else Film.open(Path(film))


def generate(system: System, film: Film | PathLike, request: Request, progress: Progress | None = None) -> Result:
    """Takes a film through all steps.

    Args:
      system: a trained run.
      film: an open film, or a file.
      request: what is asked.
      progress: told how far the longest step is.

    Returns:
      The soundtracks, ranked.

    Raises:
      UserError: if film, example or request cannot be used.
    """
    # A film is watched for long; an example that cannot be read is told before.
    request = dataclasses.replace(request, example=request.opened() or None)
    watched = system.watch(as_film(film))
    composed = system.compose(watched, request, progress)
    return system.rank(system.sound(composed))
