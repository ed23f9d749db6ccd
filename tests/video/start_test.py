"""Laws of the first timecode: what a container says is read, and nothing is made up."""

from pathlib import Path

import av
import numpy as np
import pytest

from vis2sound_jax.video.film import Film
from vis2sound_jax.video.start import start_timecode


def write(path: Path, timecode: str) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        if timecode:
            out.metadata["timecode"] = timecode
        for _ in range(5):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        out.mux(stream.encode())


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
@pytest.mark.parametrize("timecode", ["10:00:00:00", ""])
def test_the_first_timecode_of_a_film(suffix: str, timecode: str, tmp_path: Path) -> None:
    write(tmp_path / f"a{suffix}", timecode)
    with Film.open(tmp_path / f"a{suffix}") as film:
        assert start_timecode(film) == timecode
        assert len(list(film.pictures(25.0, 8, 8))) == 5


def test_arrays_have_none() -> None:
    assert start_timecode(Film.of_frames(np.zeros((2, 8, 8, 3), np.uint8), 25.0)) == ""
