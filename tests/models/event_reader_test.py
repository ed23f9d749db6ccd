"""Laws of the event reader: it corrects the encoder's odds, sees some seconds, and reads clips one by one."""

import functools
from typing import Any

import jax
import numpy as np
import pytest

from vis2sound_jax.models.event_reader import MOTION_CURVES, EventReader, EventsRead

NET = EventReader(width=8)
REACH = 62  # frames on both sides: 2 x (1 + 2 + 4 + 8 + 16)
CLIPS, FRAMES, SIZE = 2, 200, 5


@functools.cache
def inputs() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((CLIPS, FRAMES, SIZE)).astype(np.float32)
    onset = rng.random((CLIPS, FRAMES)).astype(np.float32)
    return features, onset, rng.standard_normal((CLIPS, FRAMES, MOTION_CURVES)).astype(np.float32)


@functools.cache
def params() -> Any:
    return jax.jit(NET.init)(jax.random.key(0), *inputs())["params"]


@functools.partial(jax.jit, static_argnames="train")
def read(params: Any, features: Any, onset: Any, motion: Any, key: Any = None, *, train: bool = False) -> EventsRead:
    rngs = None if key is None else {"dropout": key}
    return NET.apply({"params": params}, features, onset, motion, train=train, rngs=rngs)


def test_every_frame_is_read() -> None:
    for found in read(params(), *inputs()):
        assert found.shape == (CLIPS, FRAMES) and np.isfinite(found).all()


def test_without_a_last_layer_the_odds_pass_through() -> None:
    features, onset, motion = inputs()
    silent = params() | {"out": jax.tree.map(np.zeros_like, params()["out"])}
    found = read(silent, features, onset, motion)
    np.testing.assert_allclose(jax.nn.sigmoid(found.onset), onset, atol=2e-4)
    assert not np.any(found.scratch) and not np.any(found.force)


def test_a_reader_that_does_not_refine_leaves_onsets_as_they_are() -> None:
    plain = NET.clone(refine=False).apply({"params": params()}, *inputs())
    np.testing.assert_allclose(jax.nn.sigmoid(plain.onset), inputs()[1], atol=2e-4)
    refined = read(params(), *inputs())
    np.testing.assert_allclose(plain.scratch, refined.scratch, atol=1e-5)
    np.testing.assert_allclose(plain.force, refined.force, atol=1e-5)


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_a_certain_encoder_can_still_be_corrected(certain: float) -> None:
    features, onset, motion = inputs()
    found = read(params(), features, np.full_like(onset, certain), motion)
    assert np.isfinite(found.onset).all() and np.abs(found.onset).max() < 20
    gradient = jax.grad(lambda p: read(p, features, np.full_like(onset, certain), motion).onset.sum())(params())
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_clips_do_not_know_of_each_other() -> None:
    together = read(params(), *inputs())
    for k in range(CLIPS):
        alone = read(params(), *(values[k : k + 1] for values in inputs()))
        for one, all_of_them in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], all_of_them[k], atol=1e-5)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_frame_is_seen_for_some_seconds_and_no_further(which: int) -> None:
    changed = [values.copy() for values in inputs()]
    changed[which][:, 100] = 0.5 - changed[which][:, 100]
    before, after = read(params(), *inputs()), read(params(), *changed)
    for a, b in zip(before, after, strict=True):
        moved = np.flatnonzero(np.abs(a - b).max(axis=0) > 1e-6)
        assert 100 in moved and 100 - REACH <= moved.min() and moved.max() <= 100 + REACH
        assert moved.min() < 90 and moved.max() > 110


def test_units_are_dropped_in_training_only() -> None:
    first, again, other = (read(params(), *inputs(), jax.random.key(k), train=True).onset for k in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    np.testing.assert_array_equal(read(params(), *inputs()).onset, read(params(), *inputs()).onset)
