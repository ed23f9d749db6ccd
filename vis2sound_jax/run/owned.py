"""Which files beside a manifest this program wrote, and nobody changed since: those alone may be replaced."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from vis2sound_jax import __version__
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.run.outputs import sha256
from vis2sound_jax.whole import BEGUN, check_name, hidden, left_of, temporary_of

MADE_BY = f"vis2sound_jax {__version__}"
"""Stands in every manifest."""
FILES, EARLIER = "files", "earlier_files"
"""Keys of a manifest: the files of the request, and what earlier requests left beside them, each with its SHA-256."""
STAGED = "new"
"""Where a temporary folder holds the files that are not in their places yet."""

_CLOCK_S = 1.0  # some file systems round times


class Owned(NamedTuple):
    """What is known of the files beside a manifest.

    Attributes:
      digests: by name, the SHA-256 of what was written; several where a request was killed while it was put in place.
      until_s: by name, when the manifest was written, for manifests of older versions, which hold no digests.
    """

    digests: dict[str, set[str]]
    until_s: dict[str, float]

    @property
    def names(self) -> set[str]:
        """The files that were written."""
        return {*self.digests, *self.until_s}

    def has(self, path: Path) -> bool:
        """Tells whether a file is as this program wrote it.

        Args:
          path: the file.
        """
        if path.is_symlink() or not os.path.isfile(path):  # which takes any name that a manifest may hold
            return False
        digests = self.digests.get(path.name, ())
        if digests and sha256(path) in digests:
            return True
        return path.stat().st_mtime <= self.until_s.get(path.name, 0.0)


def owned(manifest: Path) -> Owned:
    """Reads which files this program wrote beside a manifest.

    Args:
      manifest: where it is, if there is one. What a request left that was killed while its files were put in place
        is read too.

    Returns:
      The files; none for a manifest that is not this program's.
    """
    found = Owned({}, {})
    places = [manifest]
    target = manifest.absolute()
    for left in (*left_of(target), temporary_of(target)):
        places += [left / STAGED / manifest.name, left / BEGUN / manifest.name]
    for place in places:
        _add(found, place)
    return found


def hidden_manifest(path: Path) -> Path:
    """Names the manifest of a single file: hidden beside it.

    Args:
      path: the file.

    Returns:
      Its name, legal for every legal name of a file.
    """
    return path.with_name(hidden(path.name, ".made.json"))


def check_free(manifest: Path, names: Iterable[str], known: Owned | None = None, *, overwrite: bool = False) -> None:
    """Refuses to replace files that this program did not write, before the work.

    Args:
      manifest: that is written beside them.
      names: of the files.
      known: what `owned` found, where that was asked before.
      overwrite: whether such files may be replaced.

    Raises:
      UserError: names the first of them, a folder in its place, or a name that is too long.
    """
    for name in (*names, manifest.name):
        path = manifest.with_name(name)
        check_name(path)
        if path.is_dir():
            raise file_error(path, "is a folder", "name another --output")
        if overwrite or not os.path.lexists(path):
            continue
        if name == manifest.name:
            if _read(path) is None:
                raise foreign(path)
            continue
        known = known or owned(manifest)
        if not known.has(path):
            raise foreign(path, changed=name in known.names)


def check_document(path: Path, keys: Iterable[str], *, overwrite: bool = False) -> None:
    """Refuses to replace a JSON file that is none of this program's documents of a kind, before the work.

    Args:
      path: the file, which has no manifest beside it.
      keys: that documents of the kind have.
      overwrite: whether any file may be replaced.

    Raises:
      UserError: if it is something else, or its name is too long.
    """
    check_name(path)
    if overwrite or not os.path.lexists(path):
        return
    found = _object(path)
    if found is None or not found.keys() >= set(keys):
        raise foreign(path)


def foreign(path: Path, *, changed: bool = False) -> UserError:
    """The error for a file that must not be replaced.

    Args:
      path: the file.
      changed: whether this program wrote it and somebody changed it since.

    Returns:
      An error to raise.
    """
    problem = "is there already, and not as a file of this program"
    if changed:
        problem = "was changed since this program wrote it"
    return file_error(path, problem, "add --overwrite to replace it, or name another --output")


def _object(path: Path) -> dict[str, Any] | None:
    """A JSON object; None for anything else."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _read(path: Path) -> dict[str, Any] | None:
    """A manifest of this program; None for anything else."""
    found = _object(path)
    return found if found and str(found.get("made_by")).startswith("vis2sound_jax") else None


def _add(known: Owned, place: Path) -> None:
    manifest = _read(place)
    if manifest is None:
        return
    for key in (FILES, EARLIER):
        listed = manifest.get(key)
        for name, digest in listed.items() if isinstance(listed, dict) else ():
            if _is_name(name):
                known.digests.setdefault(name, set()).add(str(digest))
    if FILES not in manifest:
        written_s = place.stat().st_mtime + _CLOCK_S
        takes = manifest.get("takes")
        for take in takes if isinstance(takes, list) else ():
            names = (take.get("film"), take.get("sound")) if isinstance(take, dict) else ()
            known.until_s.update({str(name): written_s for name in names if _is_name(name)})


def _is_name(name: Any) -> bool:
    """A manifest may be anyone's, and must not lead out of its folder."""
    return isinstance(name, str) and name not in ("", ".", "..") and name == Path(name).name
