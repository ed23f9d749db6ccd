"""Laws of known events: annotations where somebody looked, else what can be heard, and as many labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vis2sound_jax.data.known_events import known_events
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.prepare.sources import open_records


@pytest.fixture(scope="module")
def record(prepared: Path) -> Record:
    return open_records(prepared, "train")[0]


def with_no_events(record: Record, **more: Any) -> Any:
    empty: dict[str, Any] = {"event_material": [], "event_action": [], "event_reaction": []}
    return {**record, "event_time_s": np.zeros(0, np.float32), **empty, **more}


def test_annotated_events_are_the_records_own(record: Record, hits_s: tuple[float, ...]) -> None:
    known = known_events(record)
    np.testing.assert_allclose(known.time_s, hits_s, atol=1e-6)
    assert known.material == ("wood",) * 3 and known.action == ("hit",) * 3 and known.annotated


def test_an_annotated_recording_without_events_has_none_however_loud_it_is(record: Record) -> None:
    known = known_events(with_no_events(record))
    assert known.annotated and len(known.time_s) == len(known.material) == len(known.action) == 0


def test_where_nobody_annotated_what_is_heard_stands_for_events_without_a_name(
    record: Record, hits_s: tuple[float, ...]
) -> None:
    known = known_events(with_no_events(record, annotated=False))
    assert not known.annotated
    # Decided onsets, not every candidate.
    np.testing.assert_allclose(known.time_s, hits_s, atol=0.03)
    assert known.material == known.action == ("None",) * 3
