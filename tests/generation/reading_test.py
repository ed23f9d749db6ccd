"""Laws of reading events: windows say what the whole film does, and one program serves all lengths."""

import logging

import jax
import numpy as np
import pytest

from vis2sound_jax.generation.reading import Reading, list_events, read_curves, read_seen
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


def reading_of(onset: np.ndarray, motion: np.ndarray) -> Reading:
    nothing = np.zeros(len(onset), np.float32)
    return Reading(onset, nothing, nothing, motion)


def test_stops_of_motion_raise_maxima_and_are_events_of_their_own() -> None:
    onset, motion = np.full(100, 0.01), np.full(100, 0.1)
    onset[[20, 70]] = 0.8, 0.4
    motion[15:21], motion[45:51] = 1.0, 1.0  # it stops at frames 20 and 50
    plain_s, plain = list_events(reading_of(onset, motion), 25.0, 0.0)
    times_s, confidence = list_events(reading_of(onset, motion), 25.0, 0.2)
    np.testing.assert_allclose(plain_s, [20.5 / 25, 70.5 / 25], atol=0.02)
    np.testing.assert_allclose(plain, [0.8, 0.4])
    assert len(times_s) == 3 and (np.diff(times_s) > 0).all()
    np.testing.assert_allclose(confidence, [0.8 * 0.8 + 0.2, 0.2, 0.8 * 0.4], atol=1e-6)
    assert abs(times_s[1] - 50 / 25) < 0.05


def test_nothing_is_listed_of_a_still_film() -> None:
    for stops in (0.0, 0.2):
        times_s, confidence = list_events(reading_of(np.zeros(50), np.ones(50)), 25.0, stops)
        assert len(times_s) == len(confidence) == 0
