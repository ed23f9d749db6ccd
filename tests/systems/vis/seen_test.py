"""Laws of watching: a row for every frame of a film of any length, windows of one size, altered views of training."""

import functools
from pathlib import Path

import jax
import numpy as np
import pytest

from vis2sound_jax.data.rows import RowWriter
from vis2sound_jax.models.image_streams import SoundGuess
from vis2sound_jax.systems.vis.seen import open_streams
from vis2sound_jax.systems.vis.watching import WINDOW_FRAMES, Shot, StreamWatcher

NET = SoundGuess((4, 8), (4, 4, 5), places=2, every=6, width=6, blocks=1, sound=3, timbres=4)


@functools.cache
def watcher() -> StreamWatcher:
    frames, stills = np.zeros((1, 6, 16, 24), np.float32), np.zeros((1, 1, 16, 24, 3), np.float32)
    shapes = jax.eval_shape(NET.init, jax.random.key(0), frames, stills)["params"]
    rng = np.random.default_rng(0)
    return StreamWatcher(NET, jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape).astype(np.float32), shapes))


def film(t: int) -> Shot:
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 256, (t, 16, 24), np.uint8)
    return Shot(grey, rng.integers(0, 256, (t, 16, 24, 3), np.uint8))


@pytest.mark.parametrize("t", [1, 7, WINDOW_FRAMES, 2 * WINDOW_FRAMES + 1])
def test_every_frame_of_a_film_of_any_length_gets_its_rows(t: int) -> None:
    motion, looks = watcher().watch(film(t))
    assert len(motion) == len(looks) == t
    assert np.isfinite(motion).all() and np.isfinite(looks).all()


def test_windows_follow_each_other_without_a_seam_in_colour() -> None:
    shot = film(WINDOW_FRAMES + 12)
    _, looks = watcher().watch(shot)
    _, again = watcher().watch(Shot(shot.grey[WINDOW_FRAMES:], shot.colour[WINDOW_FRAMES:]))
    np.testing.assert_allclose(looks[WINDOW_FRAMES:], again, rtol=1e-5)


def test_few_colours_leave_the_motion_as_it_is() -> None:
    motion, looks = watcher().watch(film(40))
    same, held = watcher().watch(film(40), sparse=True)
    np.testing.assert_allclose(same, motion, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(held, np.repeat(looks[::6], 6, axis=0)[:40], rtol=1e-5)


def test_a_view_is_opened_by_its_number_and_the_ablation_sees_colours_alone(tmp_path: Path) -> None:
    rows = {"train_motion": 0.0, "train_colour": 1.0, "train_view0_motion": 2.0, "train_view0_colour": 3.0}
    for store, value in rows.items():
        with RowWriter(tmp_path / "seen", store) as writer:
            writer.add("film", np.full((4, 2), value))
    found = {
        "as shot": open_streams(tmp_path, "train"),
        "view": open_streams(tmp_path, "train", view=0),
        "ablation": open_streams(tmp_path, "train", spacetime=False),
    }
    seen = {name: tuple(float(x.mean()) for x in streams.whole("film")) for name, streams in found.items()}
    assert seen == {"as shot": (0.0, 1.0), "view": (2.0, 3.0), "ablation": (1.0, 1.0)}
