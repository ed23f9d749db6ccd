"""Laws of containers: what cannot be held is told before the work, and what is advised can be done."""

import re
from pathlib import Path

import av
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.video.container import Media
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import mux_sounds
from vis2sound_jax.video.target import FILM_SUFFIXES, check_pictures, sound_form, suffix_of

# Encoder, its container, and the outputs that hold such pictures.
FILMS = [
    ("libx264", "f.mp4", "yuv420p", (".mp4", ".mov", ".m4v", ".mkv")),
    ("libx264", "f.ts", "yuv420p", (".mp4", ".mov", ".m4v", ".mkv")),
    ("libvpx", "f.webm", "yuv420p", (".mkv", ".webm")),
    ("libvpx-vp9", "f.webm", "yuv420p", (".mp4", ".m4v", ".mkv", ".webm")),
    ("libsvtav1", "f.mp4", "yuv420p", (".mp4", ".m4v", ".mkv", ".webm")),
    ("prores_ks", "f.mov", "yuv422p10le", (".mov", ".mkv")),
    ("qtrle", "f.mov", "rgb24", (".mov",)),
    ("rawvideo", "f.avi", "yuv420p", (".mov",)),
    ("mjpeg", "f.avi", "yuvj420p", (".mp4", ".mov", ".m4v", ".mkv")),
    ("wmv2", "f.asf", "yuv420p", ()),
]


@pytest.mark.parametrize(("codec", "name", "pixels", "holding"), FILMS)
def test_a_container_that_cannot_hold_the_pictures_is_told_with_one_that_can(
    make_film, noise: np.ndarray, tmp_path: Path, codec: str, name: str, pixels: str, holding: tuple[str, ...]
) -> None:
    source = make_film(name, n=8, size=(64, 64), codec=codec, pixels=pixels)
    for suffix in FILM_SUFFIXES:
        output = tmp_path / f"out{suffix}"
        with Media(source) as media:
            if suffix in holding:
                check_pictures(media, output)
                continue
            with pytest.raises(UserError) as caught:
                check_pictures(media, output)
        advised = re.findall(r"\.\w+", str(caught.value).partition("; ")[2])
        assert str(caught.value).startswith(f"{output}: ") and str(source) in str(caught.value)
        assert advised == [one for one in (".mp4", ".mov", ".webm", ".mkv") if one in holding] or not holding
        # The same is told by whoever writes, and nothing is left.
        with Film.open(source) as film, pytest.raises(UserError, match="cannot hold the"):
            mux_sounds(film, [noise], 44100, [output])
        assert not output.exists()
    with Film.open(source) as film:
        for suffix in holding:
            mux_sounds(film, [noise], 44100, [tmp_path / f"out{suffix}"])
    assert {path.suffix for path in tmp_path.glob("out*")} == set(holding)


def test_the_remedy_keeps_pcm(make_film, tmp_path: Path) -> None:
    source = make_film("f.webm", n=3, codec="libvpx-vp9")
    with Media(source) as media:
        with pytest.raises(UserError, match=r"mov cannot hold the vp9 pictures of .*; choose a \.mkv output"):
            check_pictures(media, tmp_path / "out.mov", pcm=True)
        check_pictures(media, tmp_path / "out.mkv", pcm=True)


def test_what_cannot_be_held_anywhere_is_to_be_converted(make_film, tmp_path: Path) -> None:
    source = make_film("f.asf", n=3, codec="wmv2")
    remedy = "no container can that is written here, so convert the film to H.264 in an .mp4 first"
    with Media(source) as media, pytest.raises(UserError, match=remedy):
        check_pictures(media, tmp_path / "out.mkv")


def test_a_file_of_sound_is_not_this_functions_business(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "s.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", 8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with Media(tmp_path / "s.wav") as media:
        check_pictures(media, tmp_path / "out.mp4")


def test_the_suffix_says_how_sound_is_kept() -> None:
    codecs = {suffix: sound_form(f"out{suffix}").codec for suffix in FILM_SUFFIXES}
    assert codecs == {".webm": "libopus", **dict.fromkeys((".mp4", ".mov", ".m4v", ".mkv"), "aac")}
    assert sound_form("OUT.MKV", pcm=True).codec == "pcm_s24le" and suffix_of("OUT.MKV") == ".mkv"
    with pytest.raises(UserError, match="a .webm does not hold PCM that players read; name a .mov or .mkv, or leave"):
        sound_form("out.webm", pcm=True)
    with pytest.raises(UserError, match=r"'\.avi' names no film; use one of \.mp4, \.mov, \.m4v, \.mkv, \.webm"):
        suffix_of("out.avi")
