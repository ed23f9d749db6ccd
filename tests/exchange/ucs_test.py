"""Laws of names by the Universal Category System: four parts, safe in every file system."""

from pathlib import Path

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.ucs import CATEGORIES, read_categories, ucs_name


def test_a_name_has_four_parts() -> None:
    assert ucs_name("hit", "hit 12", creator="V2S", source="Reel 1") == "FOLYProp_hit 12_V2S_Reel 1"
    assert ucs_name("Wood", "door", creator="V2S", source="x", further="take 2") == "WOODImpt_door_V2S_x_take 2"
    assert ucs_name("", "", creator="", source="") == "FOLYMisc_NONE_NONE_NONE"


@pytest.mark.parametrize("text", ["../../etc/passwd", 'a"b<c>|d?*', "a_b", "C:\\x", "Träume\n", "..", "x" * 500, "\0"])
def test_no_text_leaves_its_part(text: str) -> None:
    name = ucs_name("hit", text, creator=text, source=text)
    assert name.count("_") == 3 and not set(name) & set('/\\:*?"<>|\n\0') and len(name.encode()) < 240
    assert not name.startswith(".") and ".." not in name.replace("...", "..") or "passwd" in name


def test_a_list_of_yours_comes_before_ours(tmp_path: Path) -> None:
    path = tmp_path / "categories.csv"
    path.write_text("kind;CatID;what\nhit;WOODImpt;\nCreak;DOORCreak;hinges\n")
    found = read_categories(path)
    assert found["hit"] == "WOODImpt" and found["creak"] == "DOORCreak" and found["scratch"] == CATEGORIES["scratch"]
    assert ucs_name("Creak", "a", creator="b", source="c", categories=found).startswith("DOORCreak_")
    for text, message in (
        ("a,b\n", "has no columns kind and CatID"),
        (
            "kind,CatID\nhit,x y\n",
            "row 2, column CatID, 'x y': is no category of kind 'hit'; give one such as FOLYProp",
        ),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=message):
            read_categories(path)
