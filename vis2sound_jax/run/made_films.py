"""Films that the stage `generate` keeps in its folder: those of other settings go before new ones come."""

from collections.abc import Sequence
from pathlib import Path

from vis2sound_jax.whole import write_whole

LIST = "films.txt"
_ENDINGS = (".wav", ".json")


def clear_films(folder: Path) -> None:
    """Removes the films that the stage made before, with their sounds and manifests, and nothing else.

    Args:
      folder: of the stage; where it holds no list, nothing is removed.
    """
    try:
        names = (folder / LIST).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        film = folder / Path(name).name
        for path in (film, *(film.with_suffix(ending) for ending in _ENDINGS)):
            if path.is_file():
                path.unlink()


def note_films(folder: Path, names: Sequence[str]) -> None:
    """Lists the films that the stage makes.

    Args:
      folder: of the stage.
      names: of the films in it; where it is known, before they are written, so that those of a killed stage go too.

    Raises:
      UserError: if the list cannot be written.
    """
    write_whole(folder / LIST, "".join(f"{name}\n" for name in names))
