"""Laws of a training's decoded films: they are kept while it is not finished, and change no result."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vis2sound_jax.prepare.records import Record
from vis2sound_jax.prepare.sources import open_records
from vis2sound_jax.run.decoded import decoded_films, removal
from vis2sound_jax.run.settings import shared
from vis2sound_jax.run.workdir import decoded_dir


@pytest.fixture(scope="module")
def records(prepared: Path) -> list[Record]:
    return list(open_records(prepared, "train"))


def config(decoded_gb: float) -> Any:
    made = shared("demo", "tests.run.demo_system", "small")
    made.training.decoded_gb = decoded_gb
    return made


def test_films_lie_in_the_run_by_training_until_it_is_finished(records: list[Record], tmp_path: Path) -> None:
    first, _ = (decoded_films(config(1.0), tmp_path, name, records) for name in ("eye", "ear"))
    assert len(first) == len(records) and first[0] is not None
    assert {path.name for path in decoded_dir(tmp_path).iterdir()} == {
        *("eye.frames", "eye.json", "ear.frames", "ear.json")
    }
    removal(tmp_path, "eye")()
    assert {path.name for path in decoded_dir(tmp_path).iterdir()} == {"ear.frames", "ear.json"}
    # Whoever still looks at them sees them to the end.
    assert np.asarray(first[0]).any()


def test_the_setting_is_the_most_they_may_take(records: list[Record], tmp_path: Path) -> None:
    size = sum(len(record["frames"]) for record in records) * 16 * 24 / 1e9
    for limit in (0.0, 0.99 * size):
        assert decoded_films(config(limit), tmp_path, "eye", records) == [None] * len(records)
    assert not decoded_dir(tmp_path).exists()
    assert decoded_films(config(1.01 * size), tmp_path, "eye", records)[0] is not None
    removal(tmp_path, "never")()
