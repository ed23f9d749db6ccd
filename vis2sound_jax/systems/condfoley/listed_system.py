"""A chain that sounds a list of events, and remembers what it made of it."""

from typing import Any

from vis2sound_jax.exchange.events import EventList
from vis2sound_jax.run.steps import Composed, Progress, Request, Result, Watched
from vis2sound_jax.systems.condfoley.chain import Foley
from vis2sound_jax.video.film import Film


class ListedSystem:
    """A system that gives a film the events of a list, where there is one.

    Attributes:
      foley: the chain.
      events: the list; None lets the chain look for itself.
      looks: whether the film is looked at all the same, as codes need it.
      result: the last one; None before there is any.
    """

    def __init__(self, foley: Foley, events: EventList | None, *, looks: bool) -> None:
        """Takes the parts."""
        self.foley, self.events, self.looks = foley, events, looks
        self.result: Result | None = None

    @property
    def config(self) -> Any:
        """The settings of the run."""
        return self.foley.config

    @property
    def rate_hz(self) -> int:
        """Sample rate of the networks' sounds."""
        return self.foley.rate_hz

    def watch(self, film: Film) -> Watched:
        """Takes the events of the list; the film is looked at only where that is needed."""
        if self.events is None:
            return self.foley.watch(film)
        return self.foley.listed(self.foley.watch(film) if self.looks else film, self.events)

    def compose(self, watched: Watched, request: Request, progress: Progress | None = None) -> Composed:
        """Decides what the film is to sound like.

        Args:
          watched: the film.
          request: what is asked.
          progress: called with (done, total).

        Returns:
          What `Foley.compose` gives.
        """
        return self.foley.compose(watched, request, progress)

    def sound(self, composed: Composed) -> Result:
        """Makes it sound."""
        return self.foley.sound(composed)

    def rank(self, result: Result) -> Result:
        """Orders the takes."""
        self.result = self.foley.rank(result)
        return self.result
