"""Laws of edit lists: a copy shows what the film shows, or the film is refused before the work."""

import struct
from pathlib import Path

import numpy as np
import pytest

from tests.transport import bursts, greys, write_burst_film
from vis2sound_jax.errors import UserError
from vis2sound_jax.video.edits import check_copy
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import mux_sounds

CUTS = {
    "as it is": [(4.0, 0.0)],
    "begins at a key frame": [(3.0, 1.0)],
    "begins between key frames": [(2.6, 1.4)],
    "ends early": [(2.2, 0.0)],
    "begins later": [(0.5, None), (4.0, 0.0)],
    "joined at a key frame": [(1.0, 0.0), (1.0, 3.0)],
}


def _boxes(data: bytes, names: list[bytes], begin: int, end: int) -> tuple[int, int]:
    """Where the first box of a path begins and ends."""
    place = begin
    while place < end:
        size, name = struct.unpack(">I4s", data[place : place + 8])
        if name == names[0]:
            return (place, place + size) if len(names) == 1 else _boxes(data, names[1:], place + 8, place + size)
        place += size
    raise ValueError(names)


def with_edits(film: Path, output: Path, edits: list[tuple[float, float | None]]) -> Path:
    """Gives the pictures an edit list: seconds that are shown, and from where; None shows nothing for so long."""
    data = bytearray(film.read_bytes())
    moov, trak = (_boxes(data, path, 0, len(data)) for path in ([b"moov"], [b"moov", b"trak"]))
    assert moov[1] == len(data)  # nothing behind it moves
    rows = b"".join(
        struct.pack(">IiI", round(1000 * length_s), -1 if from_s is None else round(90_000 * from_s), 1 << 16)
        for length_s, from_s in edits
    )
    listed = struct.pack(">I4sII", len(rows) + 16, b"elst", 0, len(edits)) + rows
    old = _boxes(data, [b"edts"], trak[0] + 8, trak[1])
    data[old[0] : old[1]] = struct.pack(">I4s", len(listed) + 8, b"edts") + listed
    for box in (trak[0], moov[0]):
        size = struct.unpack(">I", data[box : box + 4])[0] + len(listed) + 8 - (old[1] - old[0])
        data[box : box + 4] = struct.pack(">I", size)
    output.write_bytes(data)
    return output


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds, a key frame every second."""
    path = tmp_path_factory.mktemp("edits") / "film.mp4"
    return write_burst_film(
        path, pictures=100, options={"g": "25", "bf": "0", "sc_threshold": "0"}, bursts_s=(0.55, 1.55, 2.55, 3.55)
    )


def copies(path: Path, *suffixes: str) -> list[Path]:
    outputs = [path.with_name(f"{path.stem}_copy.{suffix}") for suffix in suffixes]
    with Film.open(path) as film:
        for output in outputs:
            check_copy(film.media, film.facts, output)
        silence = np.zeros(round(film.duration_s * 8000), np.float32)
        mux_sounds(film, [silence] * len(outputs), 8000, outputs)
    return outputs


@pytest.mark.parametrize("name", CUTS)
def test_a_copy_shows_what_the_film_shows(source: Path, tmp_path: Path, name: str) -> None:
    film = with_edits(source, tmp_path / "film.mp4", CUTS[name])
    whole, shown = greys(source), greys(film)
    assert shown == [
        grey
        for length_s, from_s in CUTS[name]
        if from_s is not None
        for grey in whole[round(25 * from_s) :][: round(25 * length_s)]
    ]
    hidden = name == "begins between key frames"
    for copy in copies(film, "mp4", "mov", *([] if hidden else ["mkv"])):
        assert greys(copy) == shown
    with Film.open(film) as opened:
        assert opened.facts.source_zero_s == (0.5 if name == "begins later" else 0.0)
        if hidden:
            with pytest.raises(UserError, match="begins in the midst of its pictures, .* choose a .mp4 or .mov output"):
                check_copy(opened.media, opened.facts, "out.mkv")
    if name == "begins later":
        assert bursts(film) == [0.0, 1.0, 2.0, 3.0]


def test_a_film_joined_between_key_frames_is_refused_before_the_work(source: Path, tmp_path: Path) -> None:
    film = with_edits(source, tmp_path / "film.mp4", [(1.0, 0.0), (1.6, 2.4)])
    told = "film.mp4: its edit list joins pieces in the midst of their pictures, which cannot be copied; export it from"
    with Film.open(film) as opened, pytest.raises(UserError, match=told):
        check_copy(opened.media, opened.facts, "out.mp4")
    with Film.open(film) as opened, pytest.raises(UserError, match=told):
        mux_sounds(opened, [np.zeros(8000, np.float32)], 8000, [tmp_path / "out.mp4"])
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_interlaced_pictures_are_copied_and_keep_their_times(tmp_path: Path, suffix: str) -> None:
    options = {"x264-params": "interlaced=1:tff=1", "g": "12"}
    film = write_burst_film(tmp_path / f"film.{suffix}", options=options, bursts_s=(0.55, 1.55))
    (copy,) = copies(film, "mp4")
    assert greys(copy) == greys(film) and len(set(greys(film))) > 40 and bursts(film) == [0.5, 1.5]


@pytest.mark.parametrize(("first_s", "sound_first_s"), [(0.5, 0.0), (0.0, 0.4), (0.0, 0.0)])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_pictures_and_sound_may_begin_at_other_times(
    tmp_path: Path, suffix: str, first_s: float, sound_first_s: float
) -> None:
    film = write_burst_film(
        tmp_path / f"film.{suffix}", first_s=first_s, sound_first_s=sound_first_s, bursts_s=(0.55, 1.05), seconds=1.5
    )
    assert bursts(film) == pytest.approx([b + sound_first_s - first_s for b in (0.5, 1.0)], abs=0.051)
    with Film.open(film) as opened:
        assert opened.facts.source_zero_s == pytest.approx(first_s, abs=0.09 if suffix == "ts" else 0.03)
        assert opened.duration_s == pytest.approx(2.0, abs=1e-3)
