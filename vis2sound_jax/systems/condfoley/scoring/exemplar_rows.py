"""The rows of the exemplar engine: as it is, without some of its rules, and at the true times as its ceiling."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32

from vis2sound_jax.data.event_clips import HIT, SCRATCH
from vis2sound_jax.retrieval.choice import Chooser
from vis2sound_jax.retrieval.library import library_of
from vis2sound_jax.run.steps import Events
from vis2sound_jax.systems.condfoley.engines import Options, heard_events
from vis2sound_jax.systems.condfoley.event_rule import EventRule
from vis2sound_jax.systems.condfoley.plan import plan_pieces
from vis2sound_jax.systems.condfoley.scoring.items import LabelledEvents

EXEMPLAR_ROW = "exemplar"
TRUE_TIMES_ROW = "exemplar at the true times, true kinds"
RULES: Mapping[str, Chooser] = {
    EXEMPLAR_ROW: Chooser(),
    "exemplar, random pieces": Chooser(by_kind=False, by_level=False, made_over=False),
    "exemplar, kind not asked": Chooser(by_kind=False),
    "exemplar, nothing made over": Chooser(made_over=False),
    "exemplar, no variation": Chooser(vary=0.0),
}
"""By row, the rules of the choice."""


def exemplar_rows(
    example: Float32[np.ndarray, "m"],
    rate_hz: int,
    events: Events,
    true: LabelledEvents,
    rule: EventRule,
    length: int,
    *,
    seed: int,
    takes: int,
) -> dict[str, np.ndarray | list[np.ndarray]]:
    """Sounds a window by pieces of an example, once for every row.

    Args:
      example: the example's sound, in [-1, 1].
      rate_hz: sample rate of both sounds.
      events: all that are seen in the window, in seconds from its start.
      true: those that are annotated, for the ceiling.
      rule: what counts as an event.
      length: samples of the window.
      seed: of all chance.
      takes: of the engine as it is; one of every other row.

    Returns:
      By row, the soundtrack; several of `EXEMPLAR_ROW`. Silence from a silent example.
    """
    rows = [*RULES, TRUE_TIMES_ROW]
    library = library_of([(example[:, None], rate_hz)], rule.kind)
    if library is None:
        silence = np.zeros(length, np.float32)
        return {row: [silence] * takes if row == EXEMPLAR_ROW else silence for row in rows}
    seen = heard_events(events, rule)
    found: dict[str, np.ndarray | list[np.ndarray]] = {}
    for row in rows:
        options = Options(rate_hz=rate_hz)
        chosen, chooser = (_as_events(true), Chooser()) if row == TRUE_TIMES_ROW else (seen, RULES[row])
        count = takes if row == EXEMPLAR_ROW else 1
        plan = plan_pieces(library, chosen, rule, options, seed=seed, takes=count, chooser=chooser)
        wavs = [np.clip(plan.sound(take, length / rate_hz)[:, 0], -1, 1) for take in range(count)]
        found[row] = wavs if row == EXEMPLAR_ROW else wavs[0]
    return found


def _as_events(true: LabelledEvents) -> Events:
    """Annotated events as the engine takes them: sure, of their own kind, of no special force."""
    kinds = {HIT: {"scratch": 0.0}, SCRATCH: {"scratch": 1.0}}
    notes = tuple({"id": k, **kinds.get(action, {})} for k, action in enumerate(true.action))
    return Events(np.asarray(true.time_s, float), np.ones(len(true.time_s)), notes)
