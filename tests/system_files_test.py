"""Files of operating systems are known whatever their capitals, and nothing else is taken for one."""

from pathlib import Path

import pytest

from vis2sound_jax.system_files import is_left, shown

LEFT = ("._x.mp4", ".DS_Store", "Thumbs.db", "desktop.ini", "lost+found", "@eaDir", "$RECYCLE.BIN", ".Trash-1000")
OURS = ("x.mp4", "con", "-x.mp4", "lost and found.mp4", "$_$.mp4", "desktop.mp4", "thumbs", ".config.json.1.part")


@pytest.mark.parametrize("name", LEFT)
def test_what_systems_leave_is_known(name: str) -> None:
    assert is_left(name) and is_left(Path("somewhere", name.upper()))


@pytest.mark.parametrize("name", OURS)
def test_what_people_and_runs_write_is_not_taken_for_it(name: str) -> None:
    assert not is_left(name)


def test_folders_are_shown_as_people_see_them() -> None:
    folder = Path("films")
    inside = [folder / name for name in (*LEFT, "b.mp4", ".hidden.mp4", "a.mp4")]
    assert shown(inside) == [folder / "a.mp4", folder / "b.mp4"]
