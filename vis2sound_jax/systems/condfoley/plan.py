"""What pieces of an example sound when: made for all events of a film, and made again where an artist changed some."""

import collections
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from vis2sound_jax import large
from vis2sound_jax.errors import UserError
from vis2sound_jax.retrieval.choice import Choice, Chooser, Wanted
from vis2sound_jax.retrieval.laying import as_channels
from vis2sound_jax.retrieval.library import Library
from vis2sound_jax.run.steps import Events
from vis2sound_jax.systems.condfoley.engines import Options
from vis2sound_jax.systems.condfoley.event_rule import EventRule
from vis2sound_jax.training.keys import named_rng


@dataclasses.dataclass(frozen=True)
class Plan:
    """What pieces sound when, take by take.

    Attributes:
      library: what is copied from.
      choices: by take, a choice for each event.
      seed: of all chance.
      tone_db: see `Options`.
      rate_hz: of the soundtracks.
    """

    library: Library
    choices: tuple[tuple[Choice, ...], ...]
    seed: int
    tone_db: float | None
    rate_hz: int

    @property
    def channels(self) -> int:
        """How many channels the soundtracks have, all takes the same."""
        return max((self.library.channels_of(choices) for choices in self.choices), default=self.library.channels)

    def sound(
        self, take: int, duration_s: float, out: Float32[np.ndarray, "n c"] | None = None
    ) -> Float32[np.ndarray, "n c"]:
        """Makes the soundtrack of a take.

        Args:
          take: its number.
          duration_s: length of the film.
          out: where to put it, silent, as long as the film; by default a new array.

        Returns:
          The soundtrack; where many sounds meet it may be louder than 1.
        """
        length = round(duration_s * self.rate_hz)
        choices, rng_of = self.choices[take], self._rng_of(take)
        wav = self.library.sound(choices, self.rate_hz, length, [rng_of(choice) for choice in choices], out)
        self._add_tone(wav, [(0, length)], take)
        return wav

    def sound_again(self, take: int, wav: Float32[np.ndarray, "n c"], before: "Plan") -> tuple[np.ndarray, int]:
        """Makes the soundtrack of a take again after events were changed, but only where that can be heard.

        Args:
          take: its number.
          wav: the soundtrack as it was.
          before: what it was made of; the library, the seed and the tone must be the same.

        Returns:
          What `sound` gives, to the bit, and how many sounds were made for it: those that were changed, and others as
          far as they ring under them.
        """
        out = as_channels(wav, self.library.channels_of(self.choices[take]))
        out = out if out is not wav else wav.copy()
        spans = self._changed(take, before, len(out))
        if self._tone_take(take) != before._tone_take(take) and self.tone_db is not None:
            spans = [(0, len(out))]
        made = self.library.sound_within(out, spans, self.choices[take], self.rate_hz, self._rng_of(take))
        self._add_tone(out, spans, take)
        return out, made

    def _changed(self, take: int, before: "Plan", length: int) -> list[tuple[int, int]]:
        """Stretches that a changed event reaches, before or after the change; those that touch are one."""
        old, new = ({one.wanted.id: one for one in plan.choices[take]} for plan in (before, self))
        touched = [one for number, one in old.items() if new.get(number) != one]
        touched += [one for number, one in new.items() if old.get(number) != one]
        spans: list[tuple[int, int]] = []
        for begin, end in sorted(self.library.reach(one, self.rate_hz) for one in touched):
            begin, end = max(begin, 0), min(end, length)
            if spans and begin <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            elif begin < end:
                spans.append((begin, end))
        return spans

    def _rng_of(self, take: int) -> Callable[[Choice], np.random.Generator]:
        def rng_of(choice: Choice) -> np.random.Generator:
            return _rng(self.seed, "grains", _take_of(choice.wanted, take), choice.wanted.id)

        return rng_of

    def _tone_take(self, take: int) -> int:
        """The take whose tone is heard: that to which most events are pinned, so that one more changes nothing."""
        pinned = collections.Counter(one.wanted.take for one in self.choices[take])
        (most, _), *_ = pinned.most_common(1) or [(None, 0)]
        return take if most is None else most

    def _add_tone(self, wav: Float32[np.ndarray, "n c"], spans: Sequence[tuple[int, int]], take: int) -> None:
        if self.tone_db is None or not spans:
            return
        rng = named_rng(self.seed, "tone", str(self._tone_take(take)))
        tone = as_channels(self.library.tone(self.rate_hz, len(wav), rng), wav.shape[1])
        gain = np.float32(10 ** (self.tone_db / 20))
        for first, last in spans:
            for place in large.pieces(last - first, wav, tone):
                begin, end = first + place.start, first + place.stop
                wav[begin:end] += gain * tone[begin:end]

    def listed(self, take: int, examples: Sequence[str]) -> list[dict[str, Any]]:
        """Says what a take is made of, as JSON objects.

        Args:
          take: its number.
          examples: names of the examples.

        Returns:
          For each event its id, the take whose chance it has and which piece it got (both counted from 1, pieces those
          of an example), how that was made, its gain and its pitch.
        """
        found = []
        for choice in self.choices[take]:
            piece = self.library.pieces[choice.piece]
            found.append(
                {
                    "event": choice.wanted.id,
                    "example": examples[piece.example],
                    "take": _take_of(choice.wanted, take) + 1,
                    "piece": self.library.number_of(choice.piece),
                    "from_s": round(piece.start_s, 4),
                    "how": choice.how,
                    "gain_db": round(20 * float(np.log10(max(choice.gain, 1e-6))), 2),
                    "cents": round(choice.cents, 1),
                }
            )
        return found


def plan_pieces(
    library: Library,
    events: Events,
    rule: EventRule,
    options: Options,
    *,
    seed: int,
    takes: int,
    chooser: Chooser | None = None,
    examples: Sequence[str] = (),
    before: Plan | None = None,
) -> Plan:
    """Chooses a piece for every event of a film.

    Args:
      library: what can be copied.
      events: those that are to be heard; their notes may say `id`, `scratch`, `force_db` and `gain`, and what an artist
        changed: `gain_db`, `pitch_cents`, `pan`, `example` (a name), `piece` and `take` (numbers from 1).
      rule: how soft an event is that is less sure.
      options: of the request.
      seed: of all chance.
      takes: number of takes, which differ in what is chosen.
      chooser: other rules of the choice, for ablations.
      examples: names of the examples.
      before: a plan with the same library, rules and seed; what has not changed is taken from it, which is faster.

    Returns:
      The plan.

    Raises:
      UserError: if an event asks for an example or a piece that is not there.
    """
    rules = chooser or Chooser(vary=options.vary)
    wanted = [_wanted(k, events, rule, library, examples) for k in range(len(events))]
    pinned = {one.id: one.take for one in wanted if one.take is not None}
    choices = []
    for take in range(takes):
        known = {} if before is None else {one.wanted: one for one in before.choices[take]}
        rng_of = functools.partial(_own_rng, seed, take, pinned)
        chosen = iter(rules.choose(library.pieces, [one for one in wanted if one not in known], rng_of))
        choices.append(tuple(known[one] if one in known else next(chosen) for one in wanted))
    return Plan(library, tuple(choices), seed, options.tone_db, options.rate_hz)


def _wanted(k: int, events: Events, rule: EventRule, library: Library, examples: Sequence[str]) -> Wanted:
    note = events.notes[k] if events.notes else {}
    gain = note["gain"] if "gain" in note else rule.gain(float(events.confidence[k]))
    if note.get("gain_db"):
        gain *= 10 ** (note["gain_db"] / 20)
    example, piece = _asked_for(note, library, examples)
    return Wanted(
        note.get("id", k),
        float(events.times_s[k]),
        note.get("scratch"),
        note.get("force_db", 0.0),
        gain,
        cents=note.get("pitch_cents", 0.0),
        pan=note.get("pan", 0.0),
        example=example,
        piece=piece,
        take=note["take"] - 1 if note.get("take") else None,
    )


def _asked_for(note: Mapping[str, Any], library: Library, examples: Sequence[str]) -> tuple[int | None, int | None]:
    """The example and the piece that an event is pinned to, as indices."""
    name, number, event = note.get("example", ""), note.get("piece"), f"event {note.get('id', '')}"
    if not name and number is None:
        return None, None
    if name and name not in examples:
        raise UserError(
            f"{event}, example {name!r}: is not among those given ({', '.join(examples)}); give it as --example, or "
            "empty the cell"
        )
    if not name and len(examples) > 1:
        raise UserError(f"{event}, piece {number}: of which example is not said; give one of {', '.join(examples)}")
    example = examples.index(name) if name else 0
    own = [k for k, piece in enumerate(library.pieces) if piece.example == example]
    if not own or number is not None and number > len(own):
        asked = "" if number is None else f", piece {number}"
        remedy = f"give 1 to {len(own)}" if own else "choose another example"
        raise UserError(f"{event}{asked}: {examples[example]} has {len(own)} pieces that stand alone; {remedy}")
    return example, None if number is None else own[number - 1]


def _take_of(wanted: Wanted, take: int) -> int:
    return take if wanted.take is None else wanted.take


def _own_rng(seed: int, take: int, pinned: Mapping[int, int], number: int) -> np.random.Generator:
    """What chooses an event's piece: the chance of its own take, where it is pinned to one."""
    return _rng(seed, "pieces", pinned.get(number, take), number)


def _rng(seed: int, what: str, take: int, number: int) -> np.random.Generator:
    return named_rng(seed, what, str(take), str(number))
