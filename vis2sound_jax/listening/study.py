"""The listening study of Visually Indicated Sounds, section 6: two films of one impact, which sound is real?

Each participant sees at most one impact of a recording, with an algorithm drawn for it, after practice items that
tell the answer. The page needs no server: it draws the trials from the participant's code and gives out a CSV.
"""

import base64
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.listening.table import COLUMNS
from vis2sound_jax.report.render import render
from vis2sound_jax.whole import write_whole

PRACTICE = 5
_KINDS = {".mp4": "video/mp4", ".webm": "video/webm"}


class StudyItem(NamedTuple):
    """One impact, with its real film and others whose sound was made.

    Attributes:
      item: a name of its own.
      recording: the recording that it is from.
      real: MP4 or WebM with the real sound.
      synthesised: by algorithm, the same film with the sound that it made.
      material: label of the impact, "None" where unlabelled.
      action: label of the impact.
      reaction: label of the impact.
    """

    item: str
    recording: str
    real: str | os.PathLike[str]
    synthesised: Mapping[str, str | os.PathLike[str]]
    material: str = "None"
    action: str = "None"
    reaction: str = "None"


def build_study(
    items: Sequence[StudyItem],
    output_html: str | os.PathLike[str],
    seed: int = 0,
    *,
    title: str = "Which sound is real?",
    practice: int = PRACTICE,
    trials: int | None = None,
    embed: bool = True,
) -> None:
    """Writes the study as one page; an older one stays whole until the new one is.

    Args:
      items: the impacts; the paper has up to 15 of each recording.
      output_html: where to, its folder must exist.
      seed: chooses the practice items and, with the participant's code, all else.
      title: heading of the page.
      practice: number of practice items, each of a recording that has no trial then.
      trials: greatest number of trials of a participant, None for one of every recording.
      embed: True to hold the films in the page; else it names them by their paths from its folder, which
        must then go with it (a curious participant can read there which film is real).

    Raises:
      UserError: for too few recordings, items of one name, an item without a synthesised film, films that
        are missing or of another kind, and where the page cannot be written.
    """
    _check(items, practice)
    rng = np.random.default_rng(seed)
    folder = Path(output_html).resolve().parent
    recordings = sorted({item.recording for item in items})
    clips = {name: [_clip(i, folder, embed) for i in items if i.recording == name] for name in recordings}
    order = [recordings[k] for k in rng.permutation(len(recordings))]
    study = {
        "seed": seed,
        "columns": COLUMNS,
        "trials": len(recordings) if trials is None else trials,
        "practice": [clips[name][int(rng.integers(len(clips[name])))] for name in order[:practice]],
        "recordings": [clips[name] for name in sorted(order[practice:])],
    }
    values = {"title": title, "practice": practice, "embedded": embed, "study": study}
    write_whole(output_html, render("listening/study.html", values, package="vis2sound_jax.listening"))


def _check(items: Sequence[StudyItem], practice: int) -> None:
    names = Counter(item.item for item in items)
    for item in items:
        if names[item.item] > 1:
            raise UserError(f"two items of the study are named {item.item!r}; give every impact a name of its own")
        if not item.synthesised:
            raise UserError(f"item {item.item!r} has no synthesised film to compare; give at least one algorithm")
    recordings = len({item.recording for item in items})
    if recordings <= practice:
        raise UserError(
            f"the study has impacts of {recordings} recordings, but {practice} go to practice and no recording is "
            f"shown twice; give impacts of at least {practice + 1} recordings, or fewer practice items"
        )


def _clip(item: StudyItem, folder: Path, embed: bool) -> dict[str, Any]:
    films = {name: _source(path, folder, embed) for name, path in item.synthesised.items()}
    labels = {"material": item.material, "action": item.action, "reaction": item.reaction}
    names = {"item": item.item, "recording": item.recording}
    return {**names, **labels, "real": _source(item.real, folder, embed), "films": films}


def _source(path: str | os.PathLike[str], folder: Path, embed: bool) -> str:
    path = Path(path)
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise file_error(path, "is no film that browsers play", f"give {' or '.join(_KINDS)} files")
    if not path.is_file():
        raise file_error(path, "no such film", "render it first, or leave the item out")
    if not embed:
        return quote(os.fsencode(Path(os.path.relpath(path.resolve(), folder)).as_posix()))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise file_error(path, f"cannot be read ({error.strerror})", "check its permissions") from error
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
