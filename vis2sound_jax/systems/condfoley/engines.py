"""How a film is sounded: by pieces of the example, by the transformer's codes, or by both."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from vis2sound_jax import large
from vis2sound_jax.audio.downmix import mono_of
from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.rates import resampled
from vis2sound_jax.data.event_clips import HIT, SCRATCH
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.generation.reading import Reading, list_events
from vis2sound_jax.retrieval.library import Library, library_of_mined, mine_blocks
from vis2sound_jax.run.steps import Events
from vis2sound_jax.systems.condfoley.event_rule import EventRule
from vis2sound_jax.video.motion import places_of_motion

EXEMPLAR, CODES, BOTH = "exemplar", "codes", "both"
ENGINES = (EXEMPLAR, CODES, BOTH)
_LEAST_TONE_DB, _MOST_TONE_DB = -60.0, 20.0
_BLOCK_S = 120.0


@dataclasses.dataclass(frozen=True)
class Options:
    """What a request may ask of Conditional Foley beyond example, takes and seed.

    Attributes:
      engine: one of `ENGINES`.
      start_s: second of the example at which the transformer's window begins; None takes the most eventful place.
      vary: size of the small changes of gain, pitch and time of each piece, from 0 for none to 1.
      tone_db: level at which the example's room goes on under all of it, 0 as it was recorded; None leaves it out.
      rate_hz: sample rate at which pieces are laid.
    """

    engine: str = EXEMPLAR
    start_s: float | None = None
    vary: float = 1.0
    tone_db: float | None = None
    rate_hz: int = 48_000

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        if self.engine not in ENGINES:
            raise UserError(f"--engine={self.engine} is not known; it must be one of {', '.join(ENGINES)}")
        if not 0.0 <= self.vary <= 1.0:
            raise UserError(f"--vary={self.vary:g} is out of range; give a number from 0 for no variation to 1")
        if self.tone_db is not None and not _LEAST_TONE_DB <= self.tone_db <= _MOST_TONE_DB:
            raise UserError(f"--tone={self.tone_db:g} is out of range; give a level from -60 to 20 dB")
        if self.engine == EXEMPLAR and self.start_s is not None:
            raise UserError("--start goes with --engine=codes or both; pieces are taken from the whole example")
        if self.engine == CODES and self.tone_db is not None:
            raise UserError("--tone goes with --engine=exemplar or both; codes have the room in them")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Options":
        """Reads the options of a request.

        Args:
          options: name → value.

        Returns:
          The options, those that are not named at their defaults.

        Raises:
          UserError: for a name that Conditional Foley does not know, or a value out of range.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in options:
            if name not in known:
                raise UserError(f"Conditional Foley has no option {name!r}; it has {', '.join(known)}")
        return cls(**options)


def open_library(examples: Sequence[Example], rule: EventRule) -> Library:
    """Mines the examples of a request.

    Args:
      examples: at least one.
      rule: tells hits from scratches.

    Returns:
      The library.

    Raises:
      UserError: if one of them is silent or has no sound.
    """
    mined = []
    for number, example in enumerate(examples):
        mined.append(mine_blocks(example.blocks(_BLOCK_S), example.rate_hz, rule.kind, number, example.mono_weights()))
        if not mined[-1].pieces:
            name = example.name if example.path is None else example.path
            raise file_error(name, "is silent", "give an example that can be heard")
    library = library_of_mined(mined)
    assert library is not None  # each has a piece
    return library


def heard_events(events: Events, rule: EventRule) -> Events:
    """Keeps the events that are to be heard.

    Args:
      events: all that are seen or listed.
      rule: what is sure enough.

    Returns:
      Those of at least `rule.least`; of those whose notes say `muted`, they that are not.
    """
    notes = events.notes or ({},) * len(events)
    sure = events.confidence >= rule.least
    heard = [not note["muted"] if "muted" in note else one for note, one in zip(notes, sure, strict=True)]
    return events.chosen(np.array(heard, bool))


def events_read(
    reading: Reading,
    fps: float,
    rule: EventRule,
    maps: Float32[np.ndarray, "t r c"] | None = None,
    *,
    stops: float = 0.0,
) -> Events:
    """Lists the events of a film that was read.

    Args:
      reading: what the reader says of it.
      fps: rate of its frames.
      rule: how much its kinds are to be doubted.
      maps: where it moves; None leaves places out.
      stops: confidence of clear stops of motion; see `generation.reading.list_events`.

    Returns:
      All that is listed, with notes: `id`; `kind`, and `scratch`, the probability of that kind;
      `force_db`, how much louder it looks than the film's mean event; `x` from left and `y` from top, in [0, 1].
    """
    times_s, confidence = list_events(reading, fps, stops)
    frames = np.minimum((times_s * fps).astype(int), len(reading.onset) - 1)
    places = (
        [{}] * len(times_s)
        if maps is None
        else [{"x": round(float(x), 3), "y": round(float(y), 3)} for x, y in places_of_motion(maps, fps, times_s)]
    )
    notes = []
    for number, (frame, place) in enumerate(zip(frames, places, strict=True)):
        scratch, force_db = rule.doubted(float(reading.scratch[frame])), float(reading.force_db[frame])
        kind = SCRATCH if scratch >= 0.5 else HIT
        said = {"id": number, "kind": kind, "scratch": round(scratch, 3), "force_db": round(force_db, 2)}
        notes.append({**said, **place})
    return Events(times_s, confidence, tuple(notes))


def heard_at(wav: Float32[np.ndarray, "n *c"], rate_hz: int, wanted_hz: int) -> Float32[np.ndarray, "m"]:
    """Brings a take to one channel and another rate, to be listened to by networks.

    Args:
      wav: the take.
      rate_hz: its sample rate.
      wanted_hz: wanted sample rate.

    Returns:
      Its channels mixed to one, at that rate; see `audio.downmix`.
    """
    mono = mono_of(wav)
    return mono if rate_hz == wanted_hz else resampled(mono, rate_hz, wanted_hz)


def brought_to(
    wav: Float32[np.ndarray, "n"], rate_hz: int, wanted_hz: int, shape: tuple[int, int]
) -> Float32[np.ndarray, "m c"]:
    """Brings a take of one channel to the rate, length and channels of others.

    Args:
      wav: the take.
      rate_hz: its sample rate.
      wanted_hz: wanted sample rate.
      shape: wanted samples and channels.

    Returns:
      The take, the same on all channels.
    """
    found, made = resampled(wav, rate_hz, wanted_hz)[: shape[0]], large.zeros(shape)
    for place in large.pieces(len(found), found, made):
        made[place] = found[place, None]
    return made
