"""Puts all files of a request in place together, their manifest last; until then the user's folder stays as it was."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.run.outputs import sha256
from vis2sound_jax.run.owned import EARLIER, FILES, STAGED, Owned, check_free, owned
from vis2sound_jax.whole import BEGUN, clean, left_of, settle, temporary_of, write_json


class _Rest(NamedTuple):
    """Files of earlier requests that this one does not write again, by name."""

    removed: list[str]
    changed: list[str]
    kept: dict[str, str]


@contextlib.contextmanager
def together(manifest: Path, facts: dict[str, Any], *, overwrite: bool = False) -> Iterator[Path]:
    """Lets a block write several files and puts them in place, with a manifest, when all of them are whole.

    They lie in a hidden folder until the block has ended and all is on the disk. Then the old manifest goes, the files
    are renamed, and the new manifest comes last. A failure or a kill before that leaves the folder as it was; the
    next request removes the hidden folder. After a kill between two renames the hidden folder still says which files
    are this program's, so that the same request can be made again.

    What the old manifest lists and this request does not write again is removed where it is of a kind that is written
    now (films of more takes); a file of another kind stays and stays known. A printed line says so.

    Args:
      manifest: the file that says what was written; all files go beside it.
      facts: what it says, with `made_by`; it gets `files` and, where some stay, `earlier_files` (name → SHA-256).
      overwrite: whether files that this program did not write may be replaced.

    Yields:
      The hidden folder, where the block writes every file under its own name.

    Raises:
      UserError: if a file cannot be written, or one would be replaced that this program did not write.
    """
    stage = temporary_of(manifest.absolute())
    known = owned(manifest)
    new = _opened(stage, manifest)
    try:
        yield new
        facts[FILES] = {path.name: sha256(path) for path in sorted(new.iterdir())}
        check_free(manifest, facts[FILES], known, overwrite=overwrite)
        rest = _rest(manifest, known, facts[FILES])
        if rest.kept:
            facts[EARLIER] = rest.kept
        write_json(new / manifest.name, facts)
        _put(stage, manifest, list(facts[FILES]), rest.removed)
    except UserError as error:
        raise _of_place(error, new, manifest) from error
    except OSError as error:
        place = manifest if error.filename is None else manifest.with_name(Path(error.filename).name)
        problem = f"cannot be written ({(error.strerror or str(error)).lower()})"
        raise file_error(place, problem, "free some space or choose another folder") from error
    finally:
        if not (stage / BEGUN).exists():
            shutil.rmtree(stage, ignore_errors=True)
    said = _said(rest)
    if said:
        print(said, flush=True)


def _opened(stage: Path, manifest: Path) -> Path:
    """Makes the hidden folder, and removes those that killed processes left."""
    folder = manifest.absolute().parent
    if not folder.is_dir():
        raise file_error(manifest, f"its folder {manifest.parent} does not exist", "create the folder first")
    clean(manifest.absolute())
    shutil.rmtree(stage, ignore_errors=True)  # of this process, whose renames failed
    try:
        stage.mkdir()
        (stage / STAGED).mkdir()
    except OSError as error:
        problem = f"cannot be written ({(error.strerror or str(error)).lower()})"
        raise file_error(manifest, problem, "free some space or choose another folder") from error
    return stage / STAGED


def _rest(manifest: Path, known: Owned, files: dict[str, str]) -> _Rest:
    """Sorts what earlier requests left beside this one's files."""
    rest, kinds = _Rest([], [], {}), {Path(name).suffix for name in files}
    for name in sorted(known.names - {*files, manifest.name}):
        path = manifest.with_name(name)
        if not os.path.isfile(path):
            continue
        if not known.has(path):
            rest.changed.append(name)
        elif path.suffix in kinds:
            rest.removed.append(name)
        else:
            rest.kept[name] = sha256(path)
    return rest


def _put(stage: Path, manifest: Path, names: list[str], removed: list[str]) -> None:
    """Renames everything into its place."""
    new, begun, ended = stage / STAGED, stage / BEGUN, left_of(manifest.absolute())
    for name in (*names, manifest.name):
        settle(new / name)
    settle(new)
    begun.mkdir()
    if os.path.lexists(manifest):
        os.replace(manifest, begun / manifest.name)
    for name in names:
        os.replace(new / name, manifest.with_name(name))
    for name in removed:
        with contextlib.suppress(OSError):
            manifest.with_name(name).unlink()
    os.replace(new / manifest.name, manifest)
    settle(manifest.absolute().parent)
    for left in (stage, *ended):
        shutil.rmtree(left, ignore_errors=True)


def _of_place(error: UserError, new: Path, manifest: Path) -> UserError:
    """The same error about the file in its place: nobody knows the hidden folder."""
    if error.path is None or error.path.parent != new:
        return error
    place = manifest.with_name(error.path.name)
    return UserError(str(error).replace(os.fspath(error.path), os.fspath(place)), place)


def _said(rest: _Rest) -> str:
    parts = []
    for names, what in (
        (rest.removed, "removed, left by an earlier request"),
        (rest.changed, "left there, changed since an earlier request wrote it"),
        (list(rest.kept), "left there by an earlier request"),
    ):
        if names:
            parts.append(f"{', '.join(names)}: {what}")
    return "; ".join(parts)
