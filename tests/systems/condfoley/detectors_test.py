"""Laws of the listener of all soundtracks: its threshold is that of real sounds whose events somebody annotated."""

from typing import Any

import numpy as np

from tests.systems.condfoley.scoring.foley_worlds import RATE_HZ, sound
from vis2sound_jax.audio.files import encode_flac
from vis2sound_jax.audio.onsets import onset_events
from vis2sound_jax.systems.condfoley.detectors import listener_threshold

TRUE_S, SOFT_S = (0.4, 1.2), (0.8,)


def record(*, annotated: bool = True) -> Any:
    """Two events that somebody annotated, and between them a soft one that nobody did."""
    events = [(time_s, "wood", "hit", 0.6) for time_s in TRUE_S] + [(time_s, "wood", "hit", 0.001) for time_s in SOFT_S]
    times_s = np.array(TRUE_S if annotated else (), np.float32)
    wav = encode_flac(sound(events), RATE_HZ)
    span_s = np.array([0.0, 2.0], np.float32)
    return {"id": "a", "audio": wav, "annotated": annotated, "event_time_s": times_s, "span_s": span_s}


def test_the_listener_tells_what_was_annotated_from_what_was_not() -> None:
    times_s, confidence = onset_events(sound([(t, "wood", "hit", 0.6) for t in TRUE_S]), RATE_HZ)
    loud = confidence[[int(np.argmin(np.abs(times_s - t))) for t in TRUE_S]].min()
    threshold = listener_threshold([record(), record(annotated=False)])
    assert threshold is not None and 0.2 < threshold < 1.5 * loud


def test_without_annotations_there_is_no_threshold() -> None:
    assert listener_threshold([]) is None and listener_threshold([record(annotated=False)]) is None
