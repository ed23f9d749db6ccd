"""Conditional Foley without its networks: it opens, reads, lays, delivers and writes as the real one does."""

import functools
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from vis2sound_jax.run.steps import Events, Watched
from vis2sound_jax.run.workdir import settings_of
from vis2sound_jax.shipped import pretrained_dir
from vis2sound_jax.systems.condfoley import chain
from vis2sound_jax.video.film import Film

EVERY = 7


@dataclass(frozen=True)
class Quick(chain.Foley):
    """Sees an event at every seventh picture, and decodes all of them as the real one does."""

    def watch(self, film: Film) -> Watched:
        pictures = self.pictures(film)
        times_s = [k / self.config.data.fps for k, picture in enumerate(pictures) if k % EVERY == 0 and picture.size]
        notes = tuple({"id": k, "scratch": 0.1, "force_db": 0.0} for k in range(len(times_s)))
        return Watched(film, Events(np.array(times_s), np.full(len(times_s), 0.9), notes), None)

    def onsets(self, film: Any) -> Events:
        if isinstance(film, Film):
            return self.watch(film).events
        with Film.open(film) as opened:
            return self.watch(opened).events


@functools.cache
def shipped() -> chain.Foley:
    """The weights that ship, with their networks."""
    return chain.load(pretrained_dir("condfoley"))


@functools.cache
def quick() -> Quick:
    """The same, quick."""
    whole = shipped()
    return Quick(**{field.name: getattr(whole, field.name) for field in fields(whole)})


@functools.cache
def settings() -> Any:
    """Their settings."""
    return settings_of(pretrained_dir("condfoley"))
