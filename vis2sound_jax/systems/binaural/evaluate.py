"""Scores a run on scenes with what was held out: timbres, azimuths, rooms, heads, each alone and all together."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from vis2sound_jax.audio.binaural import stereo_rms
from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.generation.upmix import Upmixer
from vis2sound_jax.report.page import write_report
from vis2sound_jax.report.parts import Example, Report, Table
from vis2sound_jax.run.stages import check_before
from vis2sound_jax.systems.binaural import build
from vis2sound_jax.systems.binaural.scoring import COLUMNS, as_json, oracle, scores
from vis2sound_jax.training.progress import track
from vis2sound_jax.whole import write_json
from vis2sound_jax.world.spatial.clip import SceneForm, SpatialClip, spatial_clip
from vis2sound_jax.world.spatial.splits import SPLITS

OURS, BLIND, FLIPPED, OTHER = "ours", "without sight", "flipped picture", "another picture"
MONO, ORACLE = "mono", "best bounded mask"
_HELD_OUT = tuple(split for split in SPLITS if split != "train")
_NOTES = {
    "test": "New scenes of what was trained on.",
    "timbres": "Tones of every kind that were not trained on.",
    "azimuths": "Directions that were not trained on.",
    "rooms": "Rooms larger and livelier than those trained on.",
    "heads": "Heads smaller and larger than those trained on.",
    "everything": "All of these together.",
}

Rows = dict[str, dict[str, Estimate]]


class _Windows(NamedTuple):
    """Scenes of one window each."""

    clips: list[SpatialClip]
    ears: np.ndarray
    pictures: np.ndarray


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Scores the networks with sight, those without, and what bounds both.

    Args:
      config: the settings.
      workdir: of a run whose stages before are finished.

    Returns:
      The files and the leading numbers.

    Raises:
      UserError: if the run was begun with other settings.
    """
    check_before(config, workdir)
    target = workdir / "evaluate"
    target.mkdir(parents=True, exist_ok=True)
    networks = {OURS: build.trained(config, workdir)}
    if "upmix_blind" in config.stages:
        networks[BLIND] = build.trained(config, workdir, "upmix_blind")
    tables: dict[tuple[str, int], Rows] = {}
    examples = []
    for split in track(_HELD_OUT, "scenes", unit="split"):
        for sources in (1, 2):
            windows = _draw(config, split, sources)
            made = _predictions(config, networks, windows)
            tables[split, sources] = _score(windows, made, config.seed)
            examples.append(_example(windows, made, split, sources))
    write_json(target / "metrics.json", {f"{split}_{k}": as_json(rows) for (split, k), rows in tables.items()})
    write_report(target / "report.html", _report(config, tables, examples))
    return {
        "metrics": str(target / "metrics.json"),
        "report": str(target / "report.html"),
        **{f"{split}_{k}": round(rows[OURS]["residual"].value, 3) for (split, k), rows in tables.items()},
    }


def _draw(config: Any, split: str, sources: int) -> _Windows:
    form: SceneForm = dataclasses.replace(build.form(config), sources=(sources, sources))
    clips = [spatial_clip(config.seed, split, index, form) for index in range(config.evaluate.windows)]
    return _Windows(clips, np.stack([clip.ears for clip in clips]), np.stack([clip.frames[0] for clip in clips]))


def _predictions(config: Any, networks: Mapping[str, tuple[Upmixer, Any]], windows: _Windows) -> dict[str, np.ndarray]:
    """Channels by row, [w, 2, n]."""
    ears, pictures = windows.ears, windows.pictures
    mix, difference = ears[:, 0] + ears[:, 1], ears[:, 0] - ears[:, 1]
    level = np.asarray(stereo_rms(jnp.asarray(ears))) if config.upmix.compat else None
    seen = {OURS: pictures, FLIPPED: pictures[:, :, ::-1], OTHER: np.roll(pictures, 1, axis=0)}
    found = {row: _upmix(networks[OURS], mix, shown, level) for row, shown in seen.items()}
    if BLIND in networks:
        # Its pictures are black, as in its training.
        found[BLIND] = _upmix(networks[BLIND], mix, np.zeros_like(pictures), level)
    found[ORACLE], found[MONO] = oracle(mix, difference), np.zeros_like(mix)
    return {row: np.stack([mix + made, mix - made], axis=1) / 2 for row, made in found.items()}


def _upmix(
    networks: tuple[Upmixer, Any], mix: np.ndarray, pictures: np.ndarray, level: np.ndarray | None
) -> np.ndarray:
    """Differences of all windows, in batches of one size."""
    upmixer, variables = networks
    size, found = upmixer.windows, []
    for start in range(0, len(mix), size):
        # The last batch is filled up from the beginning.
        rows = np.arange(start, start + size) % len(mix)
        codes = upmixer.codes(variables, pictures[rows])
        rms = None if level is None else jnp.asarray(level[rows])
        found.append(np.asarray(upmixer.differences(variables, jnp.asarray(mix[rows]), codes, rms)))
    return np.concatenate(found)[: len(mix)]


def _score(windows: _Windows, made: Mapping[str, np.ndarray], seed: int) -> Rows:
    single = [clip.things[0].middle_deg if len(clip.things) == 1 else None for clip in windows.clips]
    heads = [clip.head for clip in windows.clips]
    return {row: scores(ears, windows.ears, single, heads, seed) for row, ears in made.items()}


def _example(windows: _Windows, made: Mapping[str, np.ndarray], split: str, sources: int) -> Example:
    """The first window of a split, to listen to."""
    clip = windows.clips[0]
    where = ", ".join(f"{thing.kind.name} at {thing.middle_deg:.0f}°" for thing in clip.things)
    players = {"heard": windows.ears[0].T, OURS: made[OURS][0].T, MONO: made[MONO][0].T}
    note = f"{where}; negative is left. Put on headphones."
    return Example(f"{split}, {sources} sounding", note, 16000, players)


def _report(config: Any, tables: Mapping[tuple[str, int], Rows], examples: list[Example]) -> Report:
    shown = [
        Table(
            f"{split}, {'one thing sounds' if sources == 1 else 'two things sound'}",
            f"{_NOTES[split]} {config.evaluate.windows} windows of 0.63 s.",
            rows,
            columns=COLUMNS,
        )
        for (split, sources), rows in tables.items()
    ]
    return Report(f"Binaural sound, {config.name}", "procedural scenes", tables=shown, examples=examples)
