"""Writes the split files that the builders ship, from public annotation tables.

    python datasets/make_splits.py --greatest_hits=greatest_hits_splits.json.gz --countix_av=countixav.json.gz

The tables are described in each builder's README. The result is committed, so users never run this; it stays
so that anyone can see where each list came from.
"""

import argparse
import gzip
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vis2sound_jax.whole import write_whole

FOLDER = Path(__file__).parent
CONDFOLEY_RATE_HZ = 22050
CONDFOLEY_FPS = 15


def hit_frame(start_sample: int) -> int:
    """Turns a CondFoleyGen item into the frame of its hit.

    The item lists hold `start = int((t - 0.5) * 22050)` for a hit at t seconds, where t is a multiple of
    1/15 s written with four decimals.

    Args:
      start_sample: first sample of the clip at 22,050 Hz.

    Returns:
      k, with the hit at k / 15 seconds of the film.

    Raises:
      ValueError: if the number is no such start, so that k would lose information.
    """
    frame = round((start_sample / CONDFOLEY_RATE_HZ + 0.5) * CONDFOLEY_FPS)
    if start_sample_of(frame) != start_sample:
        raise ValueError(f"start sample {start_sample} belongs to no hit on the 1/15 s grid")
    return frame


def start_sample_of(frame: int) -> int:
    """Inverts `hit_frame`: the first sample of the published item of the hit at frame / 15 s."""
    return int((round(frame / CONDFOLEY_FPS, 4) - 0.5) * CONDFOLEY_RATE_HZ)


def condfoley_items(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Packs CondFoleyGen's item lists: all hits, those of the "2.00" lists, those of one type only.

    Args:
      tables: the Greatest Hits split tables.

    Returns:
      `labels` ("material action") and, per split, `{video: [hits, in_2s, label]}`: three lists of equal
      length with the frame of the hit at 15 fps, 1 where the item is in the "2.00" list, and the index into
      `labels` of the "single type only" list (-1 where the item is not in it).
    """
    single = tables["condfoley_single_type"]
    labels = sorted({label for videos in single.values() for items in videos.values() for _, label in items})
    packed: dict[str, Any] = {"fps": CONDFOLEY_FPS, "labels": labels}
    for name, videos in tables["condfoley_clip"].items():
        late = tables["condfoley_clip_2s_drop"][name]
        packed[name] = {}
        for video, starts in sorted(videos.items()):
            types = dict(single[name].get(video, []))
            packed[name][video] = [
                [hit_frame(start) for start in starts],
                [int(start not in late.get(video, [])) for start in starts],
                [labels.index(types[start]) if start in types else -1 for start in starts],
            ]
    return packed


def write_greatest_hits(table_path: str | os.PathLike[str], folder: Path) -> None:
    """Writes the official and CondFoleyGen lists of Greatest Hits.

    Args:
      table_path: `greatest_hits_splits.json.gz`.
      folder: where the split files go.
    """
    tables = _read_table(table_path)
    lists = {"official": tables["paper_like"], "condfoley": tables["condfoley_clip"]}
    for name, splits in lists.items():
        for side in ("train", "test"):
            _write(folder / f"{name}_{side}.txt", "\n".join(sorted(splits[side])) + "\n")
    items = condfoley_items(tables)
    head = [f'"fps":{items.pop("fps")}', f'"labels":{_compact(items.pop("labels"))}']
    body = [f"{_compact(name)}:{_one_line_each(videos)}" for name, videos in items.items()]
    _write(folder / "condfoley_items.json", "{" + ",\n".join(head + body) + "}\n")
    _write(folder / "amt_pairs.json", _one_line_each(tables["amt_match"]) + "\n")


def write_countix_av(table_path: str | os.PathLike[str], folder: Path) -> None:
    """Writes the clips of Countix-AV with class, repetition segments and CondFoleyGen's choice.

    Args:
      table_path: `countixav.json.gz`.
      folder: where `clips.json` goes.
    """
    splits = []
    for name, clips in _read_table(table_path)["splits"].items():
        rows = {
            clip: {
                "class": facts.get("class", "None"),
                "segments": facts["reps"],
                "condfoley": bool(facts.get("cfg")),
            }
            for clip, facts in sorted(clips.items())
        }
        splits.append(f"{_compact(name)}:{_one_line_each(rows)}")
    _write(folder / "clips.json", "{" + ",\n".join(splits) + "}\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the tables named on the command line and writes the split files of their builders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--greatest_hits", help="greatest_hits_splits.json.gz")
    parser.add_argument("--countix_av", help="countixav.json.gz")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of the builders")
    flags = parser.parse_args(arguments)
    if flags.greatest_hits:
        write_greatest_hits(flags.greatest_hits, flags.output / "greatest_hits" / "splits")
    if flags.countix_av:
        write_countix_av(flags.countix_av, flags.output / "countix_av" / "splits")


def _read_table(path: str | os.PathLike[str]) -> Any:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return json.load(stream)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _one_line_each(rows: Mapping[str, Any]) -> str:
    """One entry a line: small for a machine, and a change shows as one line."""
    return "{\n" + ",\n".join(f"{_compact(key)}:{_compact(value)}" for key, value in rows.items()) + "}"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


if __name__ == "__main__":
    main()
