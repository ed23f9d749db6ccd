"""Laws of lists: ids stay in their folder and stand once, and errors name the lines."""

from pathlib import Path

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.lists import check_splits, is_id, read_ids


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\nb", "\x1b[1m", "\udce9"])
def test_what_would_name_a_file_elsewhere_is_no_id(name: str) -> None:
    assert not is_id(name)
    with pytest.raises(UserError, match="is no id; ids are names without"):
        check_splits(Path("films"), {"train": ["a", name]})


@pytest.mark.parametrize("name", ["2015-01-01", "-x", "two words", "<b>", "$_$", "\u05e9", "\U0001f941", "con", "a..b"])
def test_any_other_text_is_one(name: str) -> None:
    assert is_id(name)
    check_splits(Path("films"), {"train": [name], "test": ["b"]})


def test_a_list_is_read_in_its_order_and_may_have_empty_lines(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_bytes("\ufeffb\r\n\r\n a \r\n".encode())
    assert read_ids(tmp_path / "train.txt") == ["b", "a"]
    with pytest.raises(UserError, match="none.txt: cannot be read"):
        read_ids(tmp_path / "none.txt")
    with pytest.raises(UserError, match=r"cannot be read \(is a directory\); write one id a line"):
        read_ids(tmp_path)


def test_an_id_of_two_splits_is_refused() -> None:
    with pytest.raises(UserError, match="films: a is in train and again in test; list each once"):
        check_splits(Path("films"), {"train": ["b", "a"], "test": ["a"]})
