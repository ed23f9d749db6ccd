"""Laws of what jobs write: a command works a second time, and files of the user are told before the work."""

from pathlib import Path

import numpy as np
import pytest

from tests.tiny_run import Answer, call, command
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.video.files import probe
from vis2sound_jax.video.mux import write_film

FOREIGN = "is there already, and not as a file of this program; add --overwrite to replace it, or name another --output"


def check_refused(answer: Answer, words: str) -> None:
    assert answer.code == 2 and answer.err.count("\n") == 1 and words in answer.err


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("films"), np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, 30, 50, 3), np.uint8)
    write_film(folder / "film.webm", pixels, 25.0)
    noise = (0.2 * rng.standard_normal(16000)).astype(np.float32)
    noise[::4000] = 0.9
    write_wav(folder / "sound.wav", noise, 16000)
    return folder


def test_a_film_is_made_again_and_files_of_the_user_stay(tiny_run: Path, films: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.webm"
    asked = command(
        *(tiny_run, "--job=generate", f"--video={films / 'film.webm'}", f"--example={films / 'sound.wav'}"),
        *("--engine=exemplar", f"--output={output}"),
    )
    for takes in (2, 1):
        answer = call(*asked, f"--takes={takes}")
        assert answer.code == 0, answer.err
        assert len(list(tmp_path.iterdir())) == 1 + 2 * takes and probe(output).has_sound
    assert "out_take2.wav, out_take2.webm: removed, left by an earlier request" in answer.out
    (tmp_path / "out_take2.wav").write_text("mine")
    check_refused(call(*asked, "--takes=2"), f"{tmp_path / 'out_take2.wav'}: {FOREIGN}")
    refused = call(*asked, "--takes=1", f"--output={tmp_path / 'new.mov'}")
    check_refused(refused, "mov cannot hold the vp9 pictures of")
    check_refused(refused, "choose a .mp4 or .webm or .mkv output")
    assert (tmp_path / "out_take2.wav").read_text() == "mine" and not list(tmp_path.glob("new*"))


def test_a_table_of_events_is_written_again_unless_it_was_edited(tiny_run: Path, films: Path, tmp_path: Path) -> None:
    output = tmp_path / "events.csv"
    asked = command(tiny_run, "--job=onsets", f"--video={films / 'film.webm'}", f"--output={output}")
    assert call(*asked).code == 0
    written = output.read_text()
    assert call(*asked).code == 0 and output.read_text() == written
    output.write_text(written + "9,0.5,hit,,,\n")
    check_refused(call(*asked), f"{output}: was changed since this program wrote it; add --overwrite to replace it")
    assert call(*asked, "--overwrite").code == 0 and output.read_text() == written
    (tmp_path / ".events.csv.made.json").unlink()
    check_refused(call(*asked), f"{output}: {FOREIGN}")


def test_a_study_is_not_written_among_films_of_others(tiny_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    asked = command(tiny_run, "--job=study", f"--output={folder}", "--recordings=2")
    folder.mkdir()
    (folder / "holidays.mp4").touch()
    check_refused(call(*asked), f"{folder / 'holidays.mp4'}: {FOREIGN}")
    assert len(list(folder.iterdir())) == 1
