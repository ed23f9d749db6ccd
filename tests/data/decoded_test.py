"""Laws of decoded films: the pixels of every frame, made once, used again, never damaged or of other recordings."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vis2sound_jax.data import decoded
from vis2sound_jax.data.decoded import grey_at, grey_films, remove_films
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.prepare.sources import open_records
from vis2sound_jax.video.files import decode_jpeg, encode_jpeg

PLENTY = 1e9


@pytest.fixture(scope="module")
def records(prepared: Path) -> list[Record]:
    return list(open_records(prepared, "train"))


@pytest.fixture
def made(records: list[Record], tmp_path: Path) -> Path:
    """A folder with the decoded films."""
    grey_films(records, tmp_path, "films", limit_bytes=PLENTY)
    return tmp_path


def never(*_: Any) -> Any:
    raise AssertionError("films are decoded again")


def test_films_are_the_decoded_frames_in_order_and_cannot_be_changed(records: list[Record], tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    films = grey_films(
        records, tmp_path / "new", "films", limit_bytes=PLENTY, progress=lambda *numbers: told.append(numbers)
    )
    assert told == [(k + 1, len(records)) for k in range(len(records))]
    for film, record in zip(films, records, strict=True):
        assert film is not None and film.dtype == np.uint8
        np.testing.assert_array_equal(film, [decode_jpeg(frame, grey=True) for frame in record["frames"]])
        with pytest.raises(ValueError, match="read-only"):
            film[0] = 0


def test_films_are_decoded_once(records: list[Record], made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (made / "films.frames").stat().st_mtime_ns
    monkeypatch.setattr(decoded, "_decoded", never)
    films = grey_films(records, made, "films", limit_bytes=PLENTY, progress=never)
    assert films[0] is not None and len(films[0]) == len(records[0]["frames"])
    assert (made / "films.frames").stat().st_mtime_ns == before


@pytest.mark.parametrize("change", ["other frame", "fewer", "another order", "another id"])
def test_films_of_other_recordings_are_made_anew(records: list[Record], made: Path, change: str) -> None:
    others: list[Record] = list(records)
    if change == "other frame":
        frames = list(records[0]["frames"])
        frames[3] = encode_jpeg(np.full((16, 24, 3), 99, np.uint8))
        others[0] = {**records[0], "frames": frames}
    elif change == "fewer":
        others = others[:-1]
    elif change == "another order":
        others = others[::-1]
    else:
        others[0] = {**records[0], "id": "another"}
    before = json.loads((made / "films.json").read_text())
    films = grey_films(others, made, "films", limit_bytes=PLENTY)
    assert json.loads((made / "films.json").read_text())["origin"] != before["origin"]
    for film, record in zip(films, others, strict=True):
        np.testing.assert_array_equal(film, [decode_jpeg(frame, grey=True) for frame in record["frames"]])


@pytest.mark.parametrize("harm", ["a bit", "cut short", "too long", "no index", "another index"])
def test_damaged_films_are_refused_until_they_are_deleted(records: list[Record], made: Path, harm: str) -> None:
    frames, index = made / "films.frames", made / "films.json"
    pixels = bytearray(frames.read_bytes())
    if harm == "a bit":
        pixels[len(pixels) // 2] ^= 1
    frames.write_bytes({"cut short": pixels[:-1], "too long": pixels + b"0"}.get(harm, pixels))
    if harm in ("no index", "another index"):
        index.write_text({"no index": "{", "another index": "[1]"}[harm])
    named = index if "index" in harm else frames
    with pytest.raises(
        UserError, match=f"{re.escape(str(named))}: is damaged; delete it and run the same command again"
    ):
        grey_films(records, made, "films", limit_bytes=PLENTY)
    named.unlink()
    assert grey_films(records, made, "films", limit_bytes=PLENTY)[0] is not None


def test_what_breaks_off_leaves_nothing(records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grey_films(records, tmp_path, "films", limit_bytes=PLENTY, progress=stop)
    assert not list(tmp_path.iterdir())
    # A file that was written without its index is not trusted either.
    (tmp_path / "films.frames").write_bytes(b"0" * 100)
    assert len(grey_films(records, tmp_path, "films", limit_bytes=PLENTY)) == len(records)


def test_what_would_take_more_than_the_limit_is_not_kept(records: list[Record], tmp_path: Path) -> None:
    total = sum(len(record["frames"]) for record in records) * 16 * 24
    assert grey_films(records, tmp_path, "films", limit_bytes=total - 1) == [None] * len(records)
    assert grey_films(records, tmp_path, "films", limit_bytes=0) == [None] * len(records)
    assert grey_films([], tmp_path, "films", limit_bytes=PLENTY) == []
    assert not list(tmp_path.iterdir())
    assert grey_films(records, tmp_path, "films", limit_bytes=total)[0] is not None
    assert (tmp_path / "films.frames").stat().st_size == total


def test_a_picture_of_another_size_is_told(records: list[Record], tmp_path: Path) -> None:
    odd: Record = {**records[1], "frames": [encode_jpeg(np.zeros((8, 24, 3), np.uint8))] * 2}
    with pytest.raises(UserError, match=r"has pictures of \(8, 24\) pixels, the first record of \(16, 24\); prepare"):
        grey_films([records[0], odd], tmp_path, "films", limit_bytes=PLENTY)
    assert not list(tmp_path.iterdir())


def test_frames_are_the_same_looked_up_or_decoded(records: list[Record], made: Path) -> None:
    film, encoded = grey_films(records, made, "films", limit_bytes=PLENTY)[1], records[1]["frames"]
    places = np.array([7, 7, 8, 10, len(encoded) - 1])
    np.testing.assert_array_equal(grey_at(film, encoded, places), grey_at(None, encoded, places))


def test_removal_leaves_other_files_and_may_be_repeated(made: Path) -> None:
    (made / "other.frames").write_bytes(b"1")
    remove_films(made, "films")
    remove_films(made, "films")
    assert [path.name for path in made.iterdir()] == ["other.frames"]
