"""Laws of the everyday films of a run: drawn once, kept whole, mixed with recordings by their share."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.condfoley import get_config
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.workdir import decoded_dir
from vis2sound_jax.systems.condfoley import everyday
from vis2sound_jax.systems.condfoley.everyday import everyday_films, mixed, remove_everyday
from vis2sound_jax.world.everyday.clip import FilmForm, everyday_clip


def small(count: int = 3) -> Any:
    config = get_config("smoke")
    config.encoder.update(everyday=count, everyday_frames=10)
    config.data.update(height=16, width=24)
    return config


def test_films_are_those_of_the_seed_and_their_events_are_heard_a_little_later(tmp_path: Path) -> None:
    films, drawn = everyday_films(small(), tmp_path), everyday_clip(0, 1, FilmForm(10, 25.0, 16, 24))
    assert len(films) == 2 and films[0].fps == 25.0
    np.testing.assert_array_equal(films[0].film, drawn.frames)
    np.testing.assert_allclose(films[0].onset_s, drawn.event_s + 0.06, atol=1e-4)


def test_films_are_drawn_once_and_anew_for_other_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = everyday.everyday_clip
    monkeypatch.setattr(everyday, "everyday_clip", lambda *of: calls.append(of[1]) or real(*of))
    first = everyday_films(small(), tmp_path)
    again = everyday_films(small(), tmp_path)
    assert calls == [0, 1, 2]
    np.testing.assert_array_equal(first[1].film, again[1].film)
    everyday_films(small(2), tmp_path)
    assert calls == [0, 1, 2, 0, 1]


def test_damaged_films_are_refused(tmp_path: Path) -> None:
    everyday_films(small(), tmp_path)
    path = decoded_dir(tmp_path) / "everyday.frames"
    path.write_bytes(b"x" + path.read_bytes()[1:])
    with pytest.raises(UserError, match="damaged"):
        everyday_films(small(), tmp_path)


def test_removed_films_are_drawn_again(tmp_path: Path) -> None:
    first = [film.film.copy() for film in everyday_films(small(), tmp_path)]
    remove_everyday(tmp_path)
    assert not list(decoded_dir(tmp_path).iterdir())
    for before, after in zip(first, everyday_films(small(), tmp_path), strict=True):
        np.testing.assert_array_equal(before, after.film)


def test_every_twentieth_film_is_for_validation(tmp_path: Path) -> None:
    config = small(21)
    held, learned = everyday_films(config, tmp_path, "validation"), everyday_films(config, tmp_path)
    assert (len(held), len(learned)) == (2, 19)


def test_none_are_drawn_where_none_are_wanted(tmp_path: Path) -> None:
    assert not everyday_films(small(0), tmp_path) and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("heard", "silent", "share"), [(3, 30, 0.5), (30, 3, 0.5), (10, 10, 0.2), (7, 50, 0.8)])
def test_a_pass_shows_everything_and_films_by_their_share(heard: int, silent: int, share: float) -> None:
    items = mixed([f"r{k}" for k in range(heard)], [f"f{k}" for k in range(silent)], share)
    assert len(set(items)) == heard + silent
    assert abs(np.mean([item[0] == "f" for item in items]) - share) < 0.02


def test_one_kind_alone_stays_alone() -> None:
    assert mixed([1, 2], [], 0.5) == [1, 2] and mixed([1, 2], [3], 0.0) == [1, 2] and mixed([1, 2], [3], 1.0) == [3]
