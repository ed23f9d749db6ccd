"""The settings of a run as they lie in its folder, and what a version that knows more of them says of it."""

import json
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from vis2sound_jax.errors import UserError, file_error


def read_object(path: Path) -> dict[str, Any] | None:
    """Reads a file that should hold one JSON object.

    Args:
      path: the file.

    Returns:
      The object; None where there is no such file.

    Raises:
      ValueError: if it is no JSON, or no object, or a folder.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (IsADirectoryError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if not isinstance(found, dict):
        raise ValueError(f"it holds a {type(found).__name__}")
    return found


class MissingSetting(UserError, AttributeError, KeyError):
    """A setting that this version reads and the run does not have; `in`, `get` and `hasattr` work as always."""

    def __str__(self) -> str:
        """Returns the line; a KeyError would put it in quotes."""
        return str(self.args[0])


class RunSettings(ConfigDict):
    """The settings of a run: a `ConfigDict` that tells the user where one of them is missing."""

    def __init__(self, known: Any = None, *, place: Path | None = None, name: str = "", **options: Any) -> None:
        """Takes the settings.

        Args:
          known: sections and values, as JSON has them.
          place: the file that they come from.
          name: dotted name of this section; "" for the whole.
          **options: those of `ConfigDict`.
        """
        super().__init__(known, **options)
        self._say(place, name)

    def _say(self, place: Path | None, name: str) -> None:
        for attribute, value in (("_place", place), ("_name", name)):
            object.__setattr__(self, attribute, value)
        for key, value in list(self._fields.items()):
            if isinstance(value, ConfigDict):
                self._fields[key] = RunSettings(value, place=place, name=f"{name}.{key}" if name else str(key))

    def __getitem__(self, key: str) -> Any:
        """Returns a setting or section, as `ConfigDict` does."""
        try:
            return super().__getitem__(key)
        except MissingSetting:
            raise
        except KeyError:
            if str(key).startswith("_"):
                raise
            missing = f"{self._name}.{key}" if self._name else key
            place = self._place or "the settings of the run"
            raise MissingSetting(
                f"{place}: was written by an earlier version, without config.{missing}; "
                "train again in another --workdir, or use the version that made it",
                self._place,
            ) from None

    def __getattr__(self, attribute: str) -> Any:
        """Returns a setting or section."""
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        return self[attribute]

    def __eq__(self, other: object) -> bool:
        """Tells whether the values are the same, wherever they come from."""
        return isinstance(other, ConfigDict) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # as for every ConfigDict

    def copy_and_resolve_references(self, visit_map: dict[int, Any] | None = None) -> "RunSettings":
        """Copies it, as `ConfigDict` does; the copy still knows where it comes from."""
        copy = super().copy_and_resolve_references(visit_map)
        copy._say(self._place, self._name)
        return copy


def settings_from(path: Path) -> RunSettings | None:
    """Reads the settings of a run.

    Args:
      path: the file.

    Returns:
      The settings; None where there is no such file.

    Raises:
      UserError: if it is damaged.
    """
    try:
        found = read_object(path)
        return None if found is None else RunSettings(found, place=path)
    except (ValueError, TypeError):
        raise file_error(path, "is damaged", "run the training command again in another --workdir") from None
