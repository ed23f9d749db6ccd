"""Watches all recordings once with the trained streams and keeps what they see."""

import contextlib
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from vis2sound_jax.data.impacts import Scale, Scales, Streams
from vis2sound_jax.data.rows import Rows, RowWriter, has_rows
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.prepare.sources import SPLITS, Records
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.vis.pretrained import AlexNetWatcher, load_alexnet
from vis2sound_jax.systems.vis.sounds import has_split
from vis2sound_jax.systems.vis.watching import FilmWatcher, Shot, StreamWatcher
from vis2sound_jax.training.progress import track
from vis2sound_jax.video.files import decode_jpeg
from vis2sound_jax.video.frames import apply_grey_augmentation, sample_grey_augmentation
from vis2sound_jax.whole import write_arrays

SCALES = "scales.npz"
"""In the folder of what is seen."""
_Pair = tuple[np.ndarray, np.ndarray]  # frames in grey, and in colour


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Fills `workdir/seen`: for every split a store of motion and one of colour; for training some altered views too.

    Args:
      config: the settings.
      workdir: of a run whose streams are trained.

    Returns:
      Where they are and how wide.
    """
    folder = seen_dir(workdir)
    watcher = load_watcher(config, workdir)
    for split in SPLITS:
        if has_split(workdir, split):
            _watch_split(config, workdir, watcher, split)
    motion, colour = Rows(folder, "train_motion"), Rows(folder, "train_colour")
    if config.streams.kind == "small":  # AlexNet's full layers want its convolutions as they are
        scales = {name: Scale.of(rows) for name, rows in (("motion", motion), ("colour", colour))}
        arrays = {f"{name}_{k}": v for name, scale in scales.items() for k, v in scale._asdict().items()}
        write_arrays(folder / SCALES, arrays)
    return {"seen": str(folder), "recordings": len(motion), "motion": motion.width, "colour": colour.width}


def load_watcher(config: Any, workdir: Path) -> FilmWatcher:
    """Loads the streams that `config.streams.kind` names: those of the run, or the ImageNet weights of the user.

    Args:
      config: the settings.
      workdir: of the run.

    Returns:
      The streams, ready to watch.
    """
    if config.streams.kind == "alexnet":
        return AlexNetWatcher(*load_alexnet(config.streams.weights))
    return StreamWatcher.load(config, workdir)


def seen_dir(workdir: Path) -> Path:
    """Where a run keeps what its streams see."""
    return workdir / "seen"


def open_streams(workdir: Path, split: str, *, spacetime: bool = True, view: int | None = None) -> Streams:
    """Opens what was seen of a split.

    Args:
      workdir: of the run.
      split: "train", "validation" or "test".
      spacetime: False puts each frame's colours where its motion would be: the ablation "no spacetime".
      view: which altered view; of the training split only.
    """
    folder, name = seen_dir(workdir), split if view is None else _view(view)
    colour, scales = Rows(folder, f"{name}_colour"), open_scales(workdir)
    motion = Rows(folder, f"{name}_motion") if spacetime else colour
    return Streams(motion, colour, scales if spacetime else Scales(scales.still, scales.still))


def _view(k: int) -> str:
    return f"train_view{k}"


def open_scales(workdir: Path) -> Scales:
    """Opens the scales of what is seen; none where features are taken as they are.

    Args:
      workdir: of the run.
    """
    path = seen_dir(workdir) / SCALES
    if not path.exists():
        return Scales()
    with np.load(path) as arrays:
        return Scales(*(Scale(arrays[f"{name}_mean"], arrays[f"{name}_spread"]) for name in ("motion", "colour")))


def decode_film(record: Record) -> tuple[UInt8[np.ndarray, "t h w"], UInt8[np.ndarray, "t h w 3"]]:
    """Decodes a record's frames in grey and in colour."""
    grey = np.stack([decode_jpeg(data, grey=True) for data in record["frames"]])
    return grey, np.stack([decode_jpeg(data) for data in record["frames"]])


def _watch_split(config: Any, workdir: Path, watcher: FilmWatcher, split: str) -> None:
    """Writes the stores of a split if they are not there: motion and colour, and then the same of altered views."""
    folder, views = seen_dir(workdir), config.streams.views if split == "train" else 0
    stores = [f"{name}_{kind}" for name in (split, *map(_view, range(views))) for kind in ("motion", "colour")]
    if all(has_rows(folder, store) for store in stores):
        return
    records = open_split(config, prepared_dir(workdir), split)
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(RowWriter(folder, store)) for store in stores]
        films = stack.enter_context(contextlib.closing(_decoded(records, views, config.seed)))
        for name, shot in track(films, f"watching, {split}", total=len(records), unit="recording"):
            rows = [found for k, view in enumerate(shot) for found in watcher.watch(Shot(*view), sparse=k > 0)]
            for writer, found in zip(writers, rows, strict=True):
                writer.add(name, found)


def _decoded(records: Records, views: int, seed: int) -> Generator[tuple[str, list[_Pair]], None, None]:
    """Decodes films and alters them ahead of the network, one at a time so that memory stays small."""

    def decode(k: int) -> tuple[str, list[_Pair]]:
        record = records[k]
        film = decode_film(record)
        altered = [_altered(film, np.random.default_rng((seed, k, view))) for view in range(views)]
        return record["id"], [film, *altered]

    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(decode, 0)
        for k in range(len(records)):
            film = ahead.result()
            if k + 1 < len(records):
                ahead = pool.submit(decode, k + 1)
            yield film


def _altered(film: _Pair, rng: np.random.Generator) -> _Pair:
    """The film as it might have been shot: from nearer, mirrored, in other light."""
    draw = sample_grey_augmentation(rng, *film[0].shape[1:])
    return apply_grey_augmentation(film[0], draw), apply_grey_augmentation(film[1], draw)
