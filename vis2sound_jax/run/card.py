"""The card of packed weights: what they learned from, how good they are, and a digest of every file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vis2sound_jax.errors import file_error
from vis2sound_jax.run.outputs import sha256
from vis2sound_jax.run.run_settings import read_object
from vis2sound_jax.whole import write_json, write_whole

CARD, PAGE = "card.json", "CARD.md"
LICENCE = "Apache-2.0, as the code. What you make with these weights is yours."

_FORMAT = 1
_REMEDY = "install vis2sound_jax again, pack the run again with --job=pack, or name a run of your own with --workdir"


def is_packed(folder: Path) -> bool:
    """Tells whether a folder holds packed weights; a run's own folder has no card."""
    return (folder / CARD).is_file()


def read_card(folder: Path) -> dict[str, Any]:
    """Reads the card of packed weights.

    Args:
      folder: of the weights.

    Returns:
      The card, as `write_card` got it, with `format` and `files`.

    Raises:
      UserError: if it is damaged, or of another version of the program.
    """
    path = folder / CARD
    try:
        card = read_object(path) or {}
        version, files = card["format"], card["files"]
    except (OSError, ValueError, KeyError):
        raise file_error(path, "is damaged", _REMEDY) from None
    if version != _FORMAT:
        raise file_error(path, f"has the format {version!r}, and this version reads {_FORMAT}", _REMEDY)
    if not isinstance(files, dict) or not all(isinstance(one, dict) and "sha256" in one for one in files.values()):
        raise file_error(path, "is damaged", _REMEDY)
    return card


def check_files(folder: Path) -> None:
    """Compares every file of packed weights with its digest, and refuses files that the card does not know.

    Args:
      folder: of the weights; a run's own folder, which has no card, passes.

    Raises:
      UserError: if a file is missing, damaged or foreign.
    """
    if not is_packed(folder):
        return
    files = read_card(folder)["files"]
    for name in _names(folder):
        if name not in files:
            raise file_error(folder / name, f"is foreign: {CARD} does not list it", f"remove it, or {_REMEDY}")
    for name, known in files.items():
        path = folder / name
        if not path.is_file():
            raise file_error(path, f"is missing; {CARD} lists it", _REMEDY)
        found = sha256(path)
        if found != known["sha256"]:
            raise file_error(
                path, f"is damaged or foreign: its SHA-256 is {found}, and {CARD} says {known['sha256']}", _REMEDY
            )


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Writes the card of a folder of weights as a page for people, and as JSON with the digests of all its files.

    Args:
      folder: with all other files in it.
      card: `name`, `system`, `made_by`, `data`, `training`, `numbers` (each `value`, `low` and `high`),
        `before_packing` (the same numbers of the run), `measured_on`, `limits` and `licence`.

    Raises:
      UserError: if a file cannot be written.
    """
    write_whole(folder / PAGE, _page(card))
    paths = {name: folder / name for name in _names(folder)}
    files = {name: {"sha256": sha256(path), "bytes": path.stat().st_size} for name, path in paths.items()}
    write_json(folder / CARD, {"format": _FORMAT, **card, "files": files})


def refuse_packed(folder: Path) -> None:
    """Refuses packed weights where a run is to be written.

    Args:
      folder: that is to be a run's.

    Raises:
      UserError: if it holds packed weights.
    """
    if is_packed(folder):
        raise file_error(folder, "holds packed weights, which are for use alone", "choose another --workdir")


def _names(folder: Path) -> list[str]:
    """All files but the card itself and hidden ones, as the card calls them."""
    found = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    hidden = (".", "__pycache__")
    return [path.as_posix() for path in found if path.name != CARD and not path.parts[0].startswith(hidden)]


def _page(card: Mapping[str, Any]) -> str:
    numbers, before = card["numbers"], card["before_packing"]
    training, data = card["training"], card["data"]
    lines = [
        f"# The weights `{card['name']}`",
        f"For the system `{card['system']}`, made by {card['made_by']}. `{CARD}` holds the same for programs, and the "
        "SHA-256 of every file, which is compared when the weights are loaded.",
        "## Numbers",
        f"On {card['measured_on']}, with 95 % intervals over recordings; the last column is the run before its weights "
        "were packed in half precision.",
        "\n".join(
            [
                "| | value | interval | before packing |",
                "|---|---|---|---|",
                *(
                    f"| {name} | {n['value']:.3f} | {n['low']:.3f} to {n['high']:.3f} | {before[name]['value']:.3f} |"
                    for name, n in numbers.items()
                ),
            ]
        ),
        "## Data",
        _listed([f"{name}: {value}" for name, value in data.items()]),
        "## Training",
        _listed([f"{name}: {value}" for name, value in training.items()]),
        "## Limits",
        _listed(card["limits"]),
        "## Licence",
        card["licence"],
    ]
    return "\n\n".join(lines) + "\n"


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"* {line}" for line in lines)
