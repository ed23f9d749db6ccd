"""Laws of feature rows on disk: a round trip in half precision, a whole store or none, one-line errors."""

from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.data.rows import Rows, RowWriter, has_rows
from vis2sound_jax.errors import UserError


def made() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal((t, 3)).astype(np.float32) for name, t in (("b", 4), ("none", 0), ("a", 7))}


def write(folder: Path, name: str = "train") -> Path:
    with RowWriter(folder, name) as writer:
        for recording, rows in made().items():
            writer.add(recording, rows, note={"frames": len(rows)})
    return folder


def test_what_is_written_is_read_in_half_precision_and_in_order(tmp_path: Path) -> None:
    rows = Rows(write(tmp_path / "new" / "folder"), "train")
    assert rows.recordings == ["b", "none", "a"] and len(rows) == 3 and rows.width == 3
    for recording, expected in made().items():
        assert rows[recording].dtype == np.float16
        np.testing.assert_array_equal(rows[recording], expected.astype(np.float16))
    assert rows.notes == {"b": {"frames": 4}, "none": {"frames": 0}, "a": {"frames": 7}}


def test_a_store_of_nothing_is_a_store(tmp_path: Path) -> None:
    with RowWriter(tmp_path, "empty"):
        pass
    assert has_rows(tmp_path, "empty") and Rows(tmp_path, "empty").recordings == []


def test_stores_of_other_names_do_not_mix(tmp_path: Path) -> None:
    write(tmp_path)
    with RowWriter(tmp_path, "test") as writer:
        writer.add("c", np.ones((2, 5)))
    assert (Rows(tmp_path, "train").width, Rows(tmp_path, "test").width) == (3, 5)
    assert not has_rows(tmp_path, "validation")


def test_an_error_leaves_nothing_of_the_store(tmp_path: Path) -> None:
    """Not even of an older one of the same name, which is being replaced."""
    write(tmp_path, "other")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="power cut"), RowWriter(tmp_path, "train") as writer:
            writer.add("a", np.ones((2, 3)))
            raise RuntimeError("power cut")
        assert not has_rows(tmp_path, "train")
        assert {path.name for path in tmp_path.iterdir()} - {"train.rows"} == {"other.rows", "other.json"}
        write(tmp_path)


@pytest.mark.parametrize(
    ("name", "width", "message"),
    [("a", 3, "a is in the store train already"), ("b", 2, "b has rows of 2 values, the others of 3")],
)
def test_rows_that_do_not_fit_are_refused(tmp_path: Path, name: str, width: int, message: str) -> None:
    with pytest.raises(ValueError, match=message), RowWriter(tmp_path, "train") as writer:
        writer.add("a", np.ones((2, 3)))
        writer.add(name, np.ones((2, width)))


def test_missing_stores_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train.json: this part of the run is not there; run the stages before"):
        Rows(tmp_path, "train")


@pytest.mark.parametrize("damage", ["cut rows", "no rows", "half an index", "other index", "list"])
def test_damaged_stores_are_told(tmp_path: Path, damage: str) -> None:
    write(tmp_path)
    rows, index = tmp_path / "train.rows", tmp_path / "train.json"
    if damage == "cut rows":
        rows.write_bytes(rows.read_bytes()[:-6])
    elif damage == "no rows":
        rows.unlink()
    else:
        text = {"half an index": index.read_text()[:-9], "other index": '{"width": 3}', "list": "[]"}
        index.write_text(text[damage])
    with pytest.raises(UserError, match="train.json: ") as caught:
        Rows(tmp_path, "train")
    assert "\n" not in str(caught.value) and "; " in str(caught.value)
