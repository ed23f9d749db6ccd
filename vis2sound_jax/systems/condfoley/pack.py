"""Packs a finished run of Conditional Foley: its networks, its rule of events, and how well it sees."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.evaluation.bootstrap import Resampler
from vis2sound_jax.evaluation.detection import onset_metrics
from vis2sound_jax.evaluation.onset_matching import OnsetClip
from vis2sound_jax.prepare.sources import Records
from vis2sound_jax.run.pack import Contents, pack
from vis2sound_jax.run.recordings import data_name, open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.condfoley import chain, trained
from vis2sound_jax.systems.condfoley.events import FOLDER
from vis2sound_jax.training.checkpoint import is_kept
from vis2sound_jax.training.progress import track
from vis2sound_jax.video.files import decode_jpeg

NUMBERS = {"onset AP": "onset_ap_100ms", "onset AP, 0.05 s": "onset_ap_50ms", "onset F1": "onset_f1_100ms"}
"""What a card says of the events seen in whole films: name → measure; F1 at the run's own threshold."""
_LIMITS = (
    "It has seen procedural film alone, 25 times a second at 128 × 72 pixels. On real film it sees less, least where a "
    "hand is gentle, where much else moves, or where what sounds is hidden; docs/results.md says how much.",
    "On films unlike its drumsticks, events are said up to 60 ms after contact, as sound comes in films.",
    "Material and force are hardly seen; the sound comes from the example.",
    "Sound composed by the transformer (--engine=codes) is mono at 22,050 Hz.",
    "Of one seed.",
)


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Packs the run; see `run.pack.pack`.

    Args:
      config: the settings.
      workdir: of a finished run.

    Returns:
      What was packed.
    """
    records = open_split(config, prepared_dir(workdir), "test")
    stages = tuple(stage for stage in trained.STAGES if is_kept(trained.checkpoints(workdir, stage)))
    contents = Contents(
        trainings=stages,
        files=(f"{FOLDER}/rule.json",) if FOLDER in stages else (),
        measure=lambda folder: measure(folder, records),
        measured_on=f"events seen in {len(records)} held-out films, {data_name(config)}",
        limits=_LIMITS,
        also_from=_everyday(config),
    )
    return pack(config, workdir, contents)


def _everyday(config: Any) -> dict[str, str]:
    encoder = config.encoder
    if not encoder.get("everyday"):
        return {}
    drawn = f"{encoder.everyday} silent ones of {encoder.everyday_frames} frames, drawn from the seed as the recordings"
    return {"everyday films": drawn}


def measure(folder: Path, records: Records) -> dict[str, Mapping[str, float | None]]:
    """Scores the events that the networks in a folder see in whole films.

    Args:
      folder: of a run, or of packed weights.
      records: recordings; those that nobody annotated are left out.

    Returns:
      The values of `NUMBERS` with their intervals.
    """
    foley = chain.load(folder)
    clips, names = [], []
    annotated = [record for record in records if record["annotated"]]
    for record in track(annotated, "scoring what is seen", unit="film"):
        film = np.stack([decode_jpeg(data, grey=foley.grey) for data in record["frames"]])
        events = foley.events_of(foley.see(film))
        span = (float(record["span_s"][0]), float(record["span_s"][1]))
        clips.append(OnsetClip(record["event_time_s"].astype(float), events.times_s, events.confidence, span))
        names.append(record["id"])
    decided = [clip.predicted_s[clip.confidence >= foley.rule.threshold] for clip in clips]
    found = onset_metrics(clips, decided, Resampler.over(names))
    return {name: found[metric].as_dict() for name, metric in NUMBERS.items()}
