"""What operating systems and their file servers leave in folders: nobody's films, sounds or runs."""

import os
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

_LEFT = (
    *("._*", ".ds_store", ".localized", ".apdisk", ".fseventsd", ".spotlight-v100", ".temporaryitems", ".trash*"),
    *(".documentrevisions-v100", ".volumeicon.icns", ".nfs*", ".directory", ".snapshot", "__macosx"),
    *("thumbs.db", "thumbs.db:encryptable", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
    *("lost+found", "@eadir", "#recycle", "#snapshot"),
)


def is_left(path: str | os.PathLike[str]) -> bool:
    """Tells whether a name is one that a system gives to files of its own, such as `.DS_Store` or `lost+found`.

    Args:
      path: its last part counts, in capitals or not.
    """
    name = Path(path).name.lower()
    return any(fnmatchcase(name, pattern) for pattern in _LEFT)


def shown(paths: Iterable[Path]) -> list[Path]:
    """Keeps what a person would call the files of a folder: hidden ones and those of the system are passed by.

    Args:
      paths: of one folder.

    Returns:
      Those that stay, in order of name.
    """
    return sorted(path for path in paths if not path.name.startswith(".") and not is_left(path))
