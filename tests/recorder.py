"""Notes which settings every stage of a run reads: `python -m tests.recorder READS.json ARGUMENTS OF MAIN…`."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from ml_collections import ConfigDict

from vis2sound_jax import main as entry
from vis2sound_jax.run import environment
from vis2sound_jax.run.stage import FREE, Stage, covers

Reads = dict[str, set[str]]
"""Stage → dotted names of the settings that it read."""


class Recorded:
    """A config, or a section of one, that notes the dotted name of every setting whose value is asked for.

    Whether a setting is there and what settings are called tells nothing of a value, and is not noted.
    """

    def __init__(self, node: ConfigDict, note: Callable[[str], None], name: str = "") -> None:
        for attribute, value in {"_node": node, "_note": note, "_name": name}.items():
            object.__setattr__(self, attribute, value)

    def _value(self, key: str) -> Any:
        value, name = self._node[key], f"{self._name}.{key}" if self._name else key
        if isinstance(value, ConfigDict):
            return Recorded(value, self._note, name)
        self._note(name)
        return value

    def _note_all(self) -> ConfigDict:
        for key in self._node:
            value = self._value(key)
            if isinstance(value, Recorded):
                value._note_all()
        return self._node

    def __getattr__(self, key: str) -> Any:
        if key in self._node:
            return self._value(key)
        # Methods such as `update`, `unlocked` and `keys` give no value away; those that do are below.
        return getattr(self._node, key)

    def __getitem__(self, key: str) -> Any:
        return self._value(key)

    def get(self, key: str, default: Any = None) -> Any:
        return self._value(key) if key in self._node else default

    def items(self) -> list[tuple[str, Any]]:
        return [(key, self._value(key)) for key in self._node]

    def values(self) -> list[Any]:
        return [self._value(key) for key in self._node]

    def to_json(self) -> str:
        return self._note_all().to_json()

    def to_dict(self) -> dict[str, Any]:
        return self._note_all().to_dict()

    def copy_and_resolve_references(self) -> "Recorded":
        return Recorded(self._node.copy_and_resolve_references(), self._note, self._name)

    def __contains__(self, key: str) -> bool:
        return key in self._node

    def __iter__(self) -> Iterator[str]:
        return iter(self._node)

    def __len__(self) -> int:
        return len(self._node)

    def __setattr__(self, key: str, value: Any) -> None:
        setattr(self._node, key, value)

    def __setitem__(self, key: str, value: Any) -> None:
        self._node[key] = value


def recorded(config: ConfigDict, stage: str, reads: Reads) -> Any:
    """Wraps the settings of a stage."""
    return Recorded(config, reads.setdefault(stage, set()).add)


@contextlib.contextmanager
def recording(reads: Reads) -> Iterator[None]:
    """While it lasts, stages that `main` does in this process note what they read."""
    do, check = entry.start, Stage.check

    def start(stage: Stage, config: ConfigDict, workdir: Path) -> Mapping[str, Any]:
        return do(stage, recorded(config, stage.name, reads), workdir)

    def checked(stage: Stage, config: ConfigDict) -> None:
        check(stage, recorded(config, stage.name, reads))

    with mock.patch.object(entry, "start", start), mock.patch.object(Stage, "check", checked):
        yield


def unlisted(stages: Mapping[str, Stage], reads: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Finds what stages read and neither list nor may read freely."""
    found = {
        name: sorted(read for read in read_by if not covers((*stages[name].reads, *FREE), read))
        for name, read_by in reads.items()
    }
    return {name: missing for name, missing in found.items() if missing}


def read_reads(path: Path) -> Reads:
    """Reads what the program below wrote."""
    return {stage: set(names) for stage, names in json.loads(path.read_text()).items()}


def main() -> None:
    """Does what `vis2sound_jax.main` does, and writes what was read."""
    environment.take_large_pages()
    path, reads = Path(sys.argv.pop(1)), {}
    try:
        with recording(reads):
            entry.run()
    finally:
        path.write_text(json.dumps({stage: sorted(names) for stage, names in reads.items()}))


if __name__ == "__main__":
    main()
