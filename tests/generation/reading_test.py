"""Laws of reading events: windows say what the whole film does, and one program serves all lengths."""

import logging

import jax
import numpy as np
import pytest

from vis2sound_jax.generation.reading import read_curves, read_seen
from vis2sound_jax.generation.watch import Seen
from vis2sound_jax.models.event_reader import FORCE_DB, EventReader

NET = EventReader(width=8)


def curves(t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(t)
    return (
        rng.random((t, 6)).astype(np.float32),
        rng.random(t).astype(np.float32),
        rng.random((t, 4)).astype(np.float32),
    )


@pytest.fixture(scope="module")
def params() -> dict:
    return NET.init(jax.random.key(0), *(array[None] for array in curves(20)))["params"]


@pytest.mark.parametrize("t", [512, 900, 1300])
def test_windows_say_what_the_whole_film_does(params: dict, t: int) -> None:
    reading = read_curves(NET, params, *curves(t))
    whole = NET.apply({"params": params}, *(array[None] for array in curves(t)))
    inside = slice(0, t - 64)  # beyond its end a film is held, and not silent
    np.testing.assert_allclose(reading.onset[inside], jax.nn.sigmoid(whole.onset)[0, inside], atol=1e-5)
    np.testing.assert_allclose(reading.force_db[inside], FORCE_DB * whole.force[0, inside], atol=1e-4)


@pytest.mark.parametrize("t", [1, 7, 384, 385, 1000])
def test_every_length_is_read_by_one_program(params: dict, t: int, caplog: pytest.LogCaptureFixture) -> None:
    read_curves(NET, params, *curves(3))
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        reading = read_curves(NET, params, *curves(t))
    assert not [r for r in caplog.records if r.getMessage().startswith("Compiling")]
    assert all(values.shape == (t,) and np.isfinite(values).all() for values in reading)


def test_what_was_seen_is_read_with_its_motion(params: dict) -> None:
    features, onset, _ = curves(40)
    seen = Seen(features, onset, np.random.default_rng(0).random((40, 9, 16)).astype(np.float32))
    still = seen._replace(maps=np.zeros((40, 9, 16), np.float32))
    assert (read_seen(NET, params, seen).onset != read_seen(NET, params, still).onset).any()
