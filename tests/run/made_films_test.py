"""Laws of the films of a stage: earlier ones go, and nothing that a person put beside them."""

from pathlib import Path

from vis2sound_jax.run.made_films import LIST, clear_films, note_films


def test_films_of_other_settings_go_and_those_of_a_person_stay(tmp_path: Path) -> None:
    clear_films(tmp_path / "none")
    clear_films(tmp_path)
    (tmp_path / "generate").mkdir()
    for name in ("00_a.mp4", "00_a.wav", "00_a.json", "01_b.mp4", "mine.mp4", "mine.wav"):
        (tmp_path / "generate" / name).touch()
    (tmp_path / "outside.mp4").touch()
    note_films(tmp_path / "generate", ["00_a.mp4", "01_b.mp4", "02_never.mp4"])
    clear_films(tmp_path / "generate")
    assert {path.name for path in (tmp_path / "generate").iterdir()} == {LIST, "mine.mp4", "mine.wav"}
    (tmp_path / "generate" / LIST).write_text("../outside.mp4\n\n")
    clear_films(tmp_path / "generate")
    assert (tmp_path / "outside.mp4").exists()
