"""Films of held-out recordings with the sounds that a run makes for them."""

from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.data.impacts import CLIP_FRAMES, Clip
from vis2sound_jax.listening.study import StudyItem
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.run.delivery import PLAIN, deliver
from vis2sound_jax.run.film_sound import write_with_sound
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.vis.bank import open_bank
from vis2sound_jax.systems.vis.chain import KINDS, load
from vis2sound_jax.systems.vis.predict import Predictor
from vis2sound_jax.systems.vis.scoring.rows import SplitClips
from vis2sound_jax.systems.vis.seen import open_streams
from vis2sound_jax.systems.vis.sounds import erb_spec
from vis2sound_jax.systems.vis.soundtrack import parametric
from vis2sound_jax.video.files import decode_jpeg
from vis2sound_jax.video.film import Film

_AROUND_S = 0.5
"""Shown before and after an impact."""
_SCALE = 4
"""Small frames are enlarged by this for people to watch."""


def write_films(config: Any, workdir: Path, folder: Path, count: int) -> list[Path]:
    """Writes whole test films with both kinds of soundtrack.

    Args:
      config: the settings of a run with a detection model.
      workdir: of the run.
      folder: where to; made if it is not there.
      count: films; each gives one file a kind.

    Returns:
      The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    foley = load(workdir, config)
    records, streams = open_split(config, prepared_dir(workdir), "test"), open_streams(workdir, "test")
    written = []
    for k in range(min(count, len(records))):
        record = records[k]
        features = foley.predictor.film(*streams.whole(record["id"]))
        impacts = foley.impacts(features)
        for kind in KINDS:
            made = foley.soundtrack(features, record["duration_s"], impacts, kind=kind, seed=config.seed)
            written.append(folder / f"{k:02d}_{record['id'].replace('/', '_')}_{kind}.mp4")
            _write(written[-1], _frames(record), record, made.wav)
    return written


def write_clips(config: Any, workdir: Path, folder: Path, count: int) -> list[Path]:
    """Writes test impacts, one of each recording: with the real sound, the nearest exemplar's and the parametric.

    Args:
      config: the settings of a run with a prediction model.
      workdir: of the run.
      folder: where to; made if it is not there.
      count: impacts; each gives three files.

    Returns:
      The files.
    """
    items = study_items(config, workdir, folder, count)
    return [Path(path) for item in items for path in (item.real, *item.synthesised.values())]


def study_items(config: Any, workdir: Path, folder: Path, count: int) -> list[StudyItem]:
    """Writes test impacts as films, real and synthesised, and describes them for a listening study.

    Args:
      config: the settings.
      workdir: of the run.
      folder: where to; made if it is not there.
      count: impacts; each gives three files.

    Returns:
      One item an impact.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spec, bank, test = erb_spec(config), open_bank(workdir), SplitClips(workdir, "test")
    predicted = np.asarray(Predictor.load(config, workdir, "prediction").clips(test.streams, test.clips))
    records = {record["id"]: record for record in open_split(config, prepared_dir(workdir), "test")}
    items = []
    for number, k in enumerate(_one_a_recording(test.clips)[:count]):
        clip, record = test.clips[k], records[test.clips[k].recording]
        labels = {kind: getattr(test.sounds, kind)[k] for kind in ("material", "action", "reaction")}
        films = _impact_films(record, clip, predicted[k], spec, bank, config, folder / f"{number:02d}_{record['id']}")
        items.append(StudyItem(f"{number:02d}", record["id"], films.pop("real"), films, **labels))
    return items


def _impact_films(
    record: Record, clip: Clip, predicted: np.ndarray, spec: Any, bank: Any, config: Any, stem: Path
) -> dict[str, Path]:
    """Writes one impact with every sound; by kind, the file."""
    fps, rate_hz = record["fps"], record["rate_hz"]
    before = round(_AROUND_S * fps)
    first = max(0, clip.first + CLIP_FRAMES // 2 - before)
    frames = _frames(record)[first : first + 2 * before]
    length, clip_s = round(len(frames) / fps * rate_hz), (clip.first - first) / fps
    real, _ = decode_flac(record["audio"])
    start = round(first / fps * rate_hz)
    found, _ = bank.nearest(predicted[None])
    at_s = clip_s + (CLIP_FRAMES // 2 + 0.5) / fps
    noise = parametric(predicted, spec, round(CLIP_FRAMES / fps * rate_hz), iterations=1, seed=config.seed)
    sounds = {
        "real": real[start : start + length],
        "exemplar": bank.lay(found, np.array([at_s]), length),
        "parametric": np.pad(noise, (round(clip_s * rate_hz), 0))[:length],
    }
    files = {}
    for kind, wav in sounds.items():
        files[kind] = stem.with_name(f"{stem.name}_{kind}.mp4")
        _write(files[kind], frames, record, wav.astype(np.float32))
    return files


def _write(path: Path, frames: np.ndarray, record: Record, wav: np.ndarray) -> None:
    """Writes a film whose sound is handed over as in every other."""
    film = Film.of_frames(frames, record["fps"], record["id"])
    write_with_sound(film, deliver(wav, record["rate_hz"], film, PLAIN), PLAIN, path)


def _one_a_recording(clips: list[Clip]) -> list[int]:
    """The first impact of every recording: a person must not meet a recording twice (section 6)."""
    first: dict[str, int] = {}
    for k, clip in enumerate(clips):
        first.setdefault(clip.recording, k)
    return list(first.values())


def _frames(record: Record) -> np.ndarray:
    frames = np.stack([decode_jpeg(data) for data in record["frames"]])
    scale = _SCALE if frames.shape[1] < 200 else 1
    return frames.repeat(scale, axis=1).repeat(scale, axis=2)
