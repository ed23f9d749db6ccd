"""The rows of the table of events seen in whole films, at thresholds that validation recordings have chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.onsets import onset_events
from vis2sound_jax.evaluation.baselines import motion_peaks
from vis2sound_jax.evaluation.detection import Detections, Predicted, chosen_thresholds
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.systems.condfoley.chain import Foley
from vis2sound_jax.systems.condfoley.scoring.soundtracks import REAL_ROW
from vis2sound_jax.training.progress import track
from vis2sound_jax.video.files import decode_jpeg
from vis2sound_jax.video.frames import grey

ENCODER_ROW, READER_ROW, MOTION_ROW = "video encoder", "event reader", "motion peaks"


def detected(foley: Foley, records: Sequence[Record]) -> Detections:
    """Finds when things sound, over whole recordings; those that nobody annotated cannot be scored.

    Args:
      foley: the chain.
      records: of the test split, or of the validation split to choose thresholds on.

    Returns:
      What the encoder, the reader, motion and the real sound say of every annotated recording.
    """
    records = [record for record in records if record["annotated"]]
    names = (ENCODER_ROW, *((READER_ROW,) if foley.reader is not None else ()), MOTION_ROW, REAL_ROW)
    found: dict[str, list[Predicted]] = {name: [] for name in names}
    encoder = replace(foley, reader=None)
    for record in track(records, "onsets of whole films", unit="film"):
        film = np.stack([decode_jpeg(data, grey=foley.grey) for data in record["frames"]])
        seen = foley.see(film)
        rows = {ENCODER_ROW: encoder.events_of(seen)}
        if foley.reader is not None:
            rows[READER_ROW] = foley.events_of(seen)
        for row, events in rows.items():
            found[row].append((events.times_s, events.confidence))
        found[MOTION_ROW].append(motion_peaks(film if foley.grey else grey(film), record["fps"]))
        found[REAL_ROW].append(onset_events(*decode_flac(record["audio"])))
    return _beside(records, found)


def listener_threshold(records: Sequence[Record]) -> float | None:
    """Chooses the confidence from which onsets are heard, as `chosen_thresholds` does, on real sounds alone.

    Args:
      records: of the validation split.

    Returns:
      The threshold; None where nothing is annotated.
    """
    records = [record for record in records if record["annotated"]]
    heard = [onset_events(*decode_flac(record["audio"])) for record in records]
    return chosen_thresholds(_beside(records, {REAL_ROW: heard})).least.get(REAL_ROW)


def _beside(records: Sequence[Record], found: Mapping[str, Sequence[Predicted]]) -> Detections:
    """Puts what is found beside the annotations."""
    return Detections(
        [record["id"] for record in records],
        [record["event_time_s"].astype(float) for record in records],
        [(float(record["span_s"][0]), float(record["span_s"][1])) for record in records],
        found,
    )
