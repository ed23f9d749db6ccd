"""Films sorted into folders by what sounds in them: `<class>/<clip>.mp4`.

AutoFoley's own data (AFD, 1,000 films of 12 classes) is not public. AVFD, VAS, VEGAS and a user's films fit.
"""

import dataclasses
import functools
import hashlib
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.prepare.film_builder import FilmBuilder, FilmConfig, event_features

FOLDER = Path(__file__).parent
SPLITS = ("official", "by_source")
ENDINGS = (".mp4", ".mov", ".mkv", ".webm")
TIMES_ENDING = "_times.txt"
TEST_SHARE = 0.2
LISTS = ("train", "test")


@dataclasses.dataclass(kw_only=True)
class Config(FilmConfig):
    """What to read: `recordings_dir` holds a folder for each class, perhaps `train.txt` and `test.txt`."""


class Builder(FilmBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Builds the records; `vis2sound_jax.prepare.dataset` drives it over large folders."""

    ID_PARTS = 2  # of an id: class and clip
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First."}
    pkg_dir_path = tfds.core.Path(FOLDER)

    def features(self) -> dict[str, Any]:
        """Names the fields of a record: those of all films, its class, and times of contacts where they are known."""
        return {**super().features(), "label": tfds.features.Text(), **event_features(labelled=False)}

    def recording_ids(self) -> dict[str, list[str]]:
        """Lists the clips of each split, `<class>/<clip>`, in the order in which they are stored.

        Returns:
          `{"train": ids, "test": ids}`. With "official" those of `train.txt` and `test.txt`; where these are missing,
          and with "by_source", a fifth of each class's sources is tested, so that no film is on both sides.

        Raises:
          UserError: if the folder or the split name is not usable, or a class has no film or films of one source only.
        """
        split = self.builder_config.split
        if split not in SPLITS:
            raise UserError(f"split is {split!r}, but clips_by_class has {', '.join(SPLITS)}; name one")
        if not self._films:
            raise file_error(
                self.recordings_dir,
                "holds no <class>/<clip>.mp4",
                "name a folder that has a folder of films for each class (README of datasets/clips_by_class)",
            )
        for folder in self._folders:
            if not any(name.startswith(f"{folder.name}/") for name in self._films):
                raise file_error(
                    folder, "holds no film", f"put films there ({', '.join(ENDINGS)}), or remove the folder"
                )
        lists = [self.recordings_dir / f"{name}.txt" for name in LISTS]
        if split == "official" and all(path.exists() for path in lists):
            return {name: self._listed(path) for name, path in zip(LISTS, lists, strict=True)}
        return self._by_source()

    def unlisted_ids(self) -> list[str]:
        """Names the clips of the folder that no split mentions and that are therefore left out."""
        listed = {name for ids in self.recording_ids().values() for name in ids}
        return sorted(name for name in self._films if name not in listed)

    def source_files(self, recording_id: str) -> list[Path]:
        """Names the film and, if there are any, the times that `encode` reads."""
        film = self._films.get(recording_id, self.recordings_dir / f"{recording_id}.mp4")
        times = self.recordings_dir / f"{recording_id}{TIMES_ENDING}"
        return [film, times] if times.exists() else [film]

    def encode(self, recording_id: str) -> dict[str, Any]:
        """Reads one clip and encodes it as a record.

        Args:
          recording_id: an entry of `recording_ids`.

        Returns:
          The record; see `prepare.records.Record`.

        Raises:
          UserError: if the clip is missing or broken, has no sound, or its times are broken.
        """
        film = self._films.get(recording_id)
        if film is None:
            missing = self.recordings_dir / f"{recording_id}.mp4"
            raise file_error(missing, "is missing", "copy it there, or take it out of the lists")
        times = self.recordings_dir / f"{recording_id}{TIMES_ENDING}"
        media = self.encode_media(recording_id, film)
        return {
            **media,
            "annotated": times.exists(),
            "label": recording_id.split("/")[0],
            "event_time_s": read_contacts(times) if times.exists() else [],
            "span_s": [0.0, media["duration_s"]],
        }

    @functools.cached_property
    def _folders(self) -> list[Path]:
        return sorted(path for path in self.recordings_dir.iterdir() if path.is_dir() and path.name[0] != ".")

    @functools.cached_property
    def _films(self) -> dict[str, Path]:
        found = (
            path for folder in self._folders for path in sorted(folder.iterdir()) if path.suffix.lower() in ENDINGS
        )
        return {f"{path.parent.name}/{path.stem}": path for path in found}

    def _listed(self, path: Path) -> list[str]:
        ids = path.read_text(encoding="utf-8").split()
        for name in ids:
            if "/" not in name:
                raise file_error(path, f"lists {name!r}", "write <class>/<clip> on each line, without the ending")
        return ids

    def _by_source(self) -> dict[str, list[str]]:
        classes: dict[str, dict[str, list[str]]] = {}
        for name in self._films:
            label, clip = name.split("/")
            classes.setdefault(label, {}).setdefault(source_of(clip), []).append(name)
        split: dict[str, list[str]] = {"train": [], "test": []}
        for label, sources in classes.items():
            if len(sources) < 2:
                raise file_error(
                    self.recordings_dir / label,
                    "has films of one source only, and one is needed to train and another to test",
                    "add a clip of another film, or remove the folder",
                )
            order = sorted(sources, key=lambda source: hashlib.sha256(f"{label}/{source}".encode()).digest())
            tested = set(order[: max(1, round(TEST_SHARE * len(order)))])
            for source, names in sources.items():
                split["test" if source in tested else "train"] += names
        return split


def source_of(clip: str) -> str:
    """Names the film that a clip was cut from.

    Args:
      clip: its name; `<film>_<start>_<end>`, two numbers of seconds, names the film.

    Returns:
      The film; the clip itself where its name does not say.
    """
    parts = clip.split("_")
    numbers = 0
    while numbers < 2 and len(parts) - numbers > 1 and parts[-1 - numbers].replace(".", "", 1).isdecimal():
        numbers += 1
    # `video_00012` is the twelfth film of a class and no part of one called `video`.
    return "_".join(parts[:-numbers]) if numbers == 2 else clip


def read_contacts(path: Path) -> list[float]:
    """Reads when things touch in a clip.

    Args:
      path: a file of seconds, one a line.

    Returns:
      Times in seconds, ascending.

    Raises:
      UserError: if a line is no number of seconds.
    """
    try:
        times = sorted(float(line.split()[0]) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except ValueError:
        raise file_error(path, "has a line that is no number", "write seconds, one a line") from None
    if times and times[0] < 0:
        raise file_error(path, f"has the time {times[0]:g}", "write seconds from the begin of the film, 0 or more")
    return times
