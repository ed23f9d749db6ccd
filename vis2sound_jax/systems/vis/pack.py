"""Packs a finished detection run: its networks, its scales, a few of its exemplars, and how well it detects impacts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.cluster import KMeans

from vis2sound_jax.data.impacts import FilmNotes, impact_times
from vis2sound_jax.evaluation.bootstrap import Resampler
from vis2sound_jax.evaluation.detection import onset_metrics
from vis2sound_jax.evaluation.onset_matching import OnsetClip
from vis2sound_jax.prepare.sources import Records
from vis2sound_jax.retrieval.exemplars import ExemplarBank
from vis2sound_jax.run.pack import Contents, pack
from vis2sound_jax.run.recordings import data_name, open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.vis import chain
from vis2sound_jax.systems.vis.bank import bank_dir, open_bank
from vis2sound_jax.systems.vis.seen import SCALES, decode_film, seen_dir
from vis2sound_jax.systems.vis.sounds import open_sounds
from vis2sound_jax.systems.vis.soundtrack import predicted_impacts
from vis2sound_jax.systems.vis.watching import Shot
from vis2sound_jax.training.progress import track

NUMBERS = {"onset AP": "onset_ap_100ms", "onset F1": "onset_f1_100ms"}
"""What a card says of the impacts found in whole films: name → measure; F1 at the run's own threshold."""
EACH = 4
"""Exemplars that are packed of every material that is hit or scratched."""
_LIMITS = (
    "It has seen procedural close-ups of a drumstick alone. On real film it detects less; docs/results.md says how "
    "much.",
    f"Of the training sounds {EACH} of each material and action come along, which are procedural. A run of your own "
    "copies from all of its.",
    "Material is its weak point.",
    "Of one seed.",
)


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Packs the run; see `run.pack.pack`.

    Args:
      config: the settings.
      workdir: of a finished run with a detection stage.

    Returns:
      What was packed.
    """
    records, (_, films) = open_split(config, prepared_dir(workdir), "test"), open_sounds(workdir, "test")
    chain.load(workdir, config)  # learns the threshold, where nobody has asked for it before, and finds what is missing
    streams = ("streams",) if config.streams.kind == "small" else ()
    scales = (str((seen_dir(workdir) / SCALES).relative_to(workdir)),) if streams else ()
    contents = Contents(
        trainings=(*streams, "detection"),
        files=("sounds/pca.npz", "detection/calibration.npz", *scales),
        measure=lambda folder: measure(folder, records, films),
        measured_on=f"impacts found in {len(records)} held-out films, {data_name(config)}",
        limits=_LIMITS,
        more=lambda run, folder: thinned(open_bank(run), EACH).save(bank_dir(folder), small=True),
    )
    return pack(config, workdir, contents)


def thinned(bank: ExemplarBank, each: int) -> ExemplarBank:
    """Keeps the exemplars that stand for the others: of every material and action, those nearest to k-means' centres.

    Args:
      bank: the exemplars of a run.
      each: how many of a material and action.

    Returns:
      A smaller bank.
    """
    kinds = list(zip(bank.labels["material"], bank.labels["action"], strict=True))
    chosen: list[int] = []
    for kind in sorted(set(kinds)):
        members = np.array([k for k, own in enumerate(kinds) if own == kind])
        chosen += sorted(members[_central(np.asarray(bank.features[members], np.float32), each)].tolist())
    return bank.only(chosen)


def _central(features: Float[np.ndarray, "e t c"], count: int) -> list[int]:
    """Indices of up to `count` exemplars that are nearest to the centres of as many clusters."""
    flat = features.reshape(len(features), -1)
    if len(flat) <= count:
        return list(range(len(flat)))
    centres = KMeans(count, n_init=1, random_state=0).fit(flat).cluster_centers_
    return sorted({int(np.square(flat - centre).sum(axis=1).argmin()) for centre in centres})


def measure(folder: Path, records: Records, films: Sequence[FilmNotes]) -> dict[str, Mapping[str, float | None]]:
    """Scores the impacts that the networks in a folder find in whole films.

    Args:
      folder: of a run, or of packed weights.
      records: recordings with annotated events.
      films: notes on them, in the same order.

    Returns:
      The values of `NUMBERS` with their intervals.
    """
    foley = chain.load(folder)
    clips, names = [], []
    for record, notes in track(list(zip(records, films, strict=True)), "scoring what is found", unit="film"):
        found = predicted_impacts(foley.envelopes(Shot(*decode_film(record))), foley.spec)
        clips.append(OnsetClip(np.array(impact_times(notes)), *found, notes.span_s))
        names.append(notes.id)
    decided = [clip.predicted_s[clip.confidence >= foley.least] for clip in clips]
    scores = onset_metrics(clips, decided, Resampler.over(names))
    return {name: scores[metric].as_dict() for name, metric in NUMBERS.items()}
