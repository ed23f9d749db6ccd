"""File names by the Universal Category System: CatID_FXName_CreatorID_SourceID."""

import re
import unicodedata
from collections.abc import Mapping

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.exchange.columns import shown
from vis2sound_jax.exchange.table import read_cells
from vis2sound_jax.exchange.text_file import read_text
from vis2sound_jax.whole import PathLike

OTHER = "FOLYMisc"
"""The category of a kind that has none."""
CATEGORIES: Mapping[str, str] = {
    "hit": "FOLYProp",
    "scratch": "FOLYProp",
    "step": "FOLYFeet",
    "footstep": "FOLYFeet",
    "cloth": "FOLYClth",
    "hand": "FOLYHand",
    "glass": "GLASImpt",
    "metal": "METLImpt",
    "paper": "PAPRHndl",
    "plastic": "PLASImpt",
    "rock": "ROCKImpt",
    "splash": "WATRSplsh",
    "wood": "WOODImpt",
}
"""Kind of an event → CatID of UCS 8."""
_CATEGORY = re.compile(r"[A-Z]{2,5}[A-Za-z]{0,8}")
_MOST = 60


def ucs_name(
    kind: str, name: str, *, creator: str, source: str, categories: Mapping[str, str] = CATEGORIES, further: str = ""
) -> str:
    """Names a file, without its ending.

    Args:
      kind: of the event or events in it.
      name: what is heard, for people; what file systems or UCS do not allow becomes a space.
      creator: short name of who made it.
      source: of the film or project.
      categories: kind → CatID.
      further: user data at the end, such as a take's number.

    Returns:
      Such as `FOLYProp_hit 12_V2S_film`; a part that is empty becomes `NONE`.
    """
    parts = [categories.get(kind.lower(), OTHER), *map(_part, (name, creator, source))]
    return "_".join([*parts, _part(further)] if further else parts)


def read_categories(path: PathLike) -> dict[str, str]:
    """Reads a list of categories.

    Args:
      path: a CSV whose columns `kind` and `CatID` say which category a kind has.

    Returns:
      The built-in table with the list's rows in place of its own.

    Raises:
      UserError: if it has no such columns, or for the first row that is wrong.
    """
    cells = read_cells(path, read_text(path))
    names = [name.strip().lower() for name in next(cells, ("", []))[1]]
    if not {"kind", "catid"} <= set(names):
        raise file_error(path, "has no columns kind and CatID", "name them in the first row")
    found = dict(CATEGORIES)
    for place, values in cells:
        row = dict(zip(names, (value.strip() for value in values), strict=False))
        kind, category = row.get("kind", "").lower(), row.get("catid", "")
        if not kind or not _CATEGORY.fullmatch(category):
            problem = f"{path}: {place}, column CatID, {shown(category)}: is no category of kind {shown(kind)}"
            raise UserError(f"{problem}; give one such as FOLYProp", path)
        found[kind] = category
    return found


def _part(text: str) -> str:
    """A part of a name: letters, digits, spaces and hyphens, in plain Latin where that can be had."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    words = re.sub(r"[^\w .-]|_", " ", plain).split()
    return " ".join(words).strip(". ")[:_MOST].strip(". ") or "NONE"
