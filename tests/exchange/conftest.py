"""Lists of events for the tests of exchange, and films to put them in."""

import os
import random
from collections.abc import Callable

import pytest

from vis2sound_jax.exchange.events import Event, EventList, FilmClock
from vis2sound_jax.exchange.timecode import Rate

TEXTS = (
    *(
        "",
        "plain",
        'a "quoted" <b>&amp;</b> | pipe ]',
        "<script>alert('1')</script>",
        "]]> -- [at=5] #3 ; , \\u007c \\",
    ),
    *("=SUM(A1)", "-3", "+1", "@x", "'=x", "''", "'tis", "näme → 音 🎬", "two\nlines\tand a tab", "a\u2028b", "100%"),
)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of small files are written here; none has to outlive a power cut."""
    monkeypatch.setattr(os, "fsync", lambda number: None)


@pytest.fixture(scope="session")
def drawn() -> Callable[[Rate, int], EventList]:
    """Draws a list of events at a rate by a seed, with texts of every kind."""

    def draw(rate: Rate, seed: int) -> EventList:
        rng = random.Random(seed)
        clock = FilmClock('film "<1>" & co.mp4', rate, rate.number("10:00:00:00"), 61.37)
        events = []
        for number in range(40):
            some = Event(
                rng.random() * 61.36,
                id=number * 3 if number % 5 else None,
                kind=rng.choice(["hit", "scratch", "", "event", 'a [x] "b"', "door slam"]),
                confidence=rng.choice([None, rng.random()]),
                gain_db=rng.choice([0, -3.25, 6, rng.uniform(-60, 20)]),
                pitch_cents=rng.choice([0, -50.5]),
                pan=rng.choice([0, 0.25]),
                example=rng.choice(["", "knock 1.wav", "=1"]),
                piece=rng.choice([None, 3, 90]),
                take=rng.choice([None, 2]),
                muted=rng.random() < 0.2,
                note=rng.choice(TEXTS),
                force_db=rng.choice([None, 1.23]),
                scratch=rng.choice([None, 0.023]),
                x=0.5,
                y=rng.choice([None, 0.25]),
            )
            events.append(some)
        return EventList(tuple(sorted(events, key=lambda event: event.time_s)), clock, seed)

    return draw
