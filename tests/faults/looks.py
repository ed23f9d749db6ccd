"""What a folder holds: digests that two runs share, files that are cut off, and what a killed process left."""

import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

# Never the same twice: clocks, when recordings were written, numbers of processes; and folders whose contents a digest
# in the marks stands for.
_PASSED_OVER = re.compile(
    r"(^|/)(lock|origin\.json|metrics\.jsonl|checkpoints|best|profile|\.array_record.*|events\.out.*)(/|$)"
)
_TIMES = re.compile(r"^(seconds|wall_s|.*_per_s|measured_on|data_wait_share|made_by)$")
_TEMPORARY = re.compile(r"(\.part(/|$)|\.tmp|\.partial(/|$)|orbax-checkpoint-tmp|\.new$)")


def files_of(folder: Path) -> list[str]:
    """All files, as paths in the folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def digests(folder: Path) -> dict[str, str]:
    """A digest of every file that two runs share, whatever the folder is called."""
    found = {}
    for name in files_of(folder):
        if not _PASSED_OVER.search(name) and not is_temporary(name):
            found[name] = hashlib.sha256(_bytes(folder / name, folder)).hexdigest()
    return found


def is_temporary(name: str) -> bool:
    """Whether a name says that its file is not finished."""
    return bool(_TEMPORARY.search(name))


def temporaries(folder: Path) -> list[str]:
    """Files under temporary names."""
    return [name for name in files_of(folder) if is_temporary(name)]


def age(folder: Path) -> None:
    """Lets two days pass for what a killed process left: the young ones may be another machine's."""
    then_s = time.time() - 172_800
    for name in temporaries(folder):
        os.utime(folder / name, (then_s, then_s))


def cut_off(folder: Path, whole: Path) -> list[str]:
    """Files under their final names that are not whole."""
    found = []
    for name in files_of(folder):
        if not is_temporary(name) and (problem := _problem(folder / name, whole / name, name)):
            found.append(f"{name}: {problem}")
    return found


def _problem(path: Path, whole: Path, name: str) -> str:
    try:
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix in (".npz", ".npy"):
            np.load(path)
        elif path.suffix in (".wav", ".flac"):
            soundfile.read(path)
        elif path.suffix == ".html" and not path.read_text(encoding="utf-8").rstrip().endswith("</html>"):
            return "has no end"
        if path.suffix in (".mp4", ".wav", ".csv") and whole.exists() and path.read_bytes() != whole.read_bytes():
            return "is not what an undisturbed run leaves"
    except Exception as error:  # whatever a reader says of half a file
        return f"{type(error).__name__}: {error}"
    return ""


def _bytes(path: Path, folder: Path) -> bytes:
    data = path.read_bytes().replace(os.fsencode(folder), b"FOLDER")
    if path.suffix != ".json":
        return data
    return json.dumps(_timeless(json.loads(data)), sort_keys=True).encode()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(inner) for name, inner in value.items() if not _TIMES.match(name)}
    return [_timeless(inner) for inner in value] if isinstance(value, list) else value
