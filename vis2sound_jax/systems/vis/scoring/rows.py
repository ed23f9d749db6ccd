"""The sound that every row of the table of single impacts gives to the test clips."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.audio.cochlear_pca import from_targets, to_targets
from vis2sound_jax.data.impacts import CLIP_FRAMES, Streams, centred_clips, labels, sound_steps
from vis2sound_jax.errors import UserError
from vis2sound_jax.evaluation.ridge import fit_ridge
from vis2sound_jax.prepare.records import UNLABELLED
from vis2sound_jax.retrieval.nearest import nearest_l1
from vis2sound_jax.systems.vis import build
from vis2sound_jax.systems.vis.predict import Predictor
from vis2sound_jax.systems.vis.scoring.impacts import ImpactSounds
from vis2sound_jax.systems.vis.seen import open_streams
from vis2sound_jax.systems.vis.sounds import has_split, open_pca, open_sounds

FULL_ROW = "full system"
RIDGE_ROW = "ridge regression"
NETWORK_ROWS = {"prediction": FULL_ROW, "prediction_no_spacetime": "no spacetime", "prediction_no_rnn": "no RNN"}
_DRAWS = 10


class SplitClips:
    """The centred clips of a split: where they are, what they sound like, what is seen.

    Attributes:
      clips: the clips.
      sounds: their real sounds and labels.
      streams: what was seen of the split.
    """

    def __init__(self, workdir: Path, split: str) -> None:
        """Cuts the clips of a split.

        Raises:
          UserError: if the split has no annotated events.
        """
        rows, films = open_sounds(workdir, split)
        self.clips = centred_clips(films, CLIP_FRAMES)
        if not self.clips:
            raise UserError(
                f"no {split} recording has an annotated event, which the table of single impacts needs; "
                "use annotated recordings, or configs/vis.py:detection"
            )
        by_id = {notes.id: notes for notes in films}
        features = np.stack([sound_steps(rows, clip, CLIP_FRAMES)[0] for clip in self.clips])
        self.sounds = ImpactSounds(
            np.maximum(features, 0),
            material=labels(self.clips, by_id, "material"),
            action=labels(self.clips, by_id, "action"),
            reaction=labels(self.clips, by_id, "reaction"),
            recording=[clip.recording for clip in self.clips],
        )
        self.films = by_id
        self.streams = open_streams(workdir, split)

    def seen(self, streams: Streams | None = None) -> np.ndarray:
        """Everything that is seen of each clip, flat, on the scale that the network gets it: [e, d]."""
        cuts = [(streams or self.streams).cut(clip, CLIP_FRAMES) for clip in self.clips]
        return np.stack([np.concatenate([motion.ravel(), still]) for motion, still in cuts])

    def centre(self, config: Any) -> tuple[np.ndarray, np.ndarray]:
        """What the centre frame looks like and how it moves there, without what is read of one from the other."""
        middle = [clip._replace(first=clip.first + CLIP_FRAMES // 2) for clip in self.clips]
        cuts = [self.streams.cut(clip, 1) for clip in middle]
        moved, looks = np.stack([motion[0] for motion, _ in cuts]), np.stack([still for _, still in cuts])
        return looks, moved[:, : moved.shape[1] - build.looked_at(config)]


def network_rows(config: Any, workdir: Path, test: SplitClips) -> dict[str, np.ndarray]:
    """Predictions of every trained network of the run, by row.

    Args:
      config: the settings.
      workdir: of the run.
      test: the clips of the test split.

    Returns:
      Row → compressed envelopes [e, t, c].
    """
    rows = {}
    for stage, row in NETWORK_ROWS.items():
        if stage in config.stages:
            _, ablation = build.predictor_parts(stage)
            streams = open_streams(workdir, "test", spacetime=ablation != "no_spacetime")
            rows[row] = np.asarray(Predictor.load(config, workdir, stage).clips(streams, test.clips))
    return rows


def ridge_row(views: int, workdir: Path, train: SplitClips, test: SplitClips) -> np.ndarray:
    """Ridge regression on exactly what the full system sees, altered views included; [e, t, c].

    Args:
      views: altered views of each training film.
      workdir: of the run.
      train: the clips of the training split.
      test: the clips of the test split.

    Returns:
      Compressed envelopes [e, t, c].
    """
    pca = open_pca(workdir)
    held = SplitClips(workdir, "validation") if has_split(workdir, "validation") else train
    flat = [np.asarray(to_targets(s.sounds.features, pca)).reshape(len(s.clips), -1) for s in (train, held)]
    altered = [train.seen(open_streams(workdir, "train", view=k)) for k in range(views)]
    seen, heard = np.concatenate([train.seen(), *altered]), np.tile(flat[0], (1 + views, 1))
    model, _ = fit_ridge(seen, heard, held.seen(), flat[1])
    predicted = model.predict(test.seen()).astype(np.float32)
    return np.asarray(from_targets(predicted.reshape(len(test.clips), test.sounds.features.shape[1], -1), pca))


def match_rows(config: Any, train: SplitClips, test: SplitClips, seed: int) -> dict[str, np.ndarray]:
    """Real training sounds: of the nearest picture, of the nearest sound, at random; and with the material known.

    Args:
      config: the settings.
      train: the clips of the training split.
      test: the clips of the test split.
      seed: of the random rows.

    Returns:
      Row → compressed envelopes [e, t, c] or [draws, e, t, c].
    """
    heard = train.sounds.features
    looks, moves = (_scaled(a, b) for a, b in zip(train.centre(config), test.centre(config), strict=True))
    both = tuple(np.concatenate(pair, axis=1) for pair in zip(looks, moves, strict=True))
    same = np.array(test.sounds.material)[:, None] == np.array(train.sounds.material)[None]
    same &= np.array(test.sounds.material)[:, None] != UNLABELLED
    rng = np.random.default_rng(seed)
    rows = {
        "image match": heard[_nearest_picture(*looks)],
        "spacetime match": heard[_nearest_picture(*moves)],
        "image + spacetime match": heard[_nearest_picture(*both)],
        "image + spacetime match + material": _taken(heard, _nearest_picture(*both, allowed=same), same),
        "random impact sound": heard[rng.integers(len(heard), size=(_DRAWS, len(test.clips)))],
        "random impact sound + material": _random_of(heard, same, rng),
        "real-sound match": heard[nearest_l1(test.sounds.features, heard)[0]],
    }
    return rows


def exemplar_rows(train: SplitClips, test: SplitClips, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """The training sounds nearest to what was predicted, and those of the true material.

    Args:
      train: the clips of the training split.
      test: the clips of the test split.
      predicted: [e, t, c] what the network predicts.

    Returns:
      Row → compressed envelopes [e, t, c].
    """
    heard = train.sounds.features
    same = np.array(test.sounds.material)[:, None] == np.array(train.sounds.material)[None]
    same &= np.array(test.sounds.material)[:, None] != UNLABELLED
    known = same.any(axis=1)
    with_material = np.full_like(predicted, np.nan)
    if known.any():
        with_material[known] = heard[nearest_l1(predicted[known], heard, candidates=same[known])[0]]
    return {
        f"{FULL_ROW}, its exemplar": heard[nearest_l1(predicted, heard)[0]],
        f"{FULL_ROW}, its exemplar + material": with_material,
    }


def _scaled(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, spread = train.mean(axis=0), train.std(axis=0) + 1e-6
    return (train - mean) / spread, (test - mean) / spread


def _nearest_picture(train: np.ndarray, test: np.ndarray, *, allowed: np.ndarray | None = None) -> np.ndarray:
    distance = (test**2).sum(1)[:, None] - 2 * test @ train.T + (train**2).sum(1)[None]
    return np.where(allowed, distance, np.inf).argmin(1) if allowed is not None else distance.argmin(1)


def _taken(heard: np.ndarray, chosen: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """The sounds chosen; nothing where none was allowed."""
    found = heard[chosen].copy()
    found[~allowed.any(axis=1)] = np.nan
    return found


def _random_of(heard: np.ndarray, allowed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows: Sequence[np.ndarray] = [np.flatnonzero(row) for row in allowed]
    found = np.full((_DRAWS, len(allowed), *heard.shape[1:]), np.nan, np.float32)
    for k, row in enumerate(rows):
        if len(row):
            found[:, k] = heard[rng.choice(row, _DRAWS)]
    return found
