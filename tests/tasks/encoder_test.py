"""Laws of the encoder's training: what is masked does not count, rare onsets do, the average follows."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.impact_net import ImpactNet
from vis2sound_jax.tasks.averaged import as_unit
from vis2sound_jax.tasks.encoder import EncoderTask
from vis2sound_jax.training.task import TrainState
from vis2sound_jax.video.frames import GreyAugmentation

NET = ImpactNet(widths=(8, 8), width=8, dilations=(), bands=2, dropout=0.0)
TASK = EncoderTask(NET, steps=40, learning_rate=3e-2)
KEY = jax.random.key(0)


@functools.cache
def batch() -> dict[str, np.ndarray]:
    """A film in which the only motion is a jump at frames 4 and 9, where it sounds."""
    frames = np.zeros((2, 12, 8, 8), np.uint8)
    frames[:, 4:9, :4] = 200
    onset = np.zeros((2, 12), np.float32)
    onset[:, [4, 9]] = 1.0
    bands = np.repeat(onset[..., None], 2, axis=-1)
    return {
        "frames": frames,
        "onset": onset,
        "bands": bands,
        "mask": np.ones((2, 12), np.float32),
        "heard": np.ones(2, np.float32),
    }


@functools.cache
def started() -> TrainState:
    return jax.jit(TASK.init)(KEY, batch())


train = jax.jit(TASK.train_step)
measure = jax.jit(TASK.eval_step)


def means(state: TrainState, **changes: np.ndarray) -> dict[str, float]:
    return measure(state, batch() | changes, None).means()


def test_training_lowers_the_loss_and_finds_the_jumps() -> None:
    state = started()
    for step in range(TASK.steps):
        state, _ = train(state, batch(), None, jax.random.fold_in(KEY, step))
    before = measure(started(), batch(), None).means()
    after = measure(state.replace(variables={"ema": state.params}), batch(), None).means()
    assert after["loss"] < 0.7 * before["loss"]
    onset = NET.apply({"params": state.params}, as_unit(batch()["frames"])).onset
    assert set(np.argsort(onset[0])[-2:]) <= {4, 5, 9, 10}


def test_masked_frames_do_not_count() -> None:
    mask = batch()["mask"].copy()
    mask[:, 6:] = 0
    wrong = batch()["onset"].copy()
    wrong[:, 6:] = 1 - wrong[:, 6:]
    masked = means(started(), mask=mask)
    assert means(started(), mask=mask, onset=wrong) == masked != means(started())
    assert measure(started(), batch() | {"mask": mask}, None).counts["loss"] == 12


def test_frames_are_altered_where_views_are_drawn() -> None:
    """A view may change nothing; mirrored and turned into its negative a film has other differences."""
    seeds = {"view_seed": np.arange(2, dtype=np.uint32)}
    neutral, turned = (
        np.stack([GreyAugmentation((0, 0, 8, 8), other, 1, 1, 1, 0, 0, negative=other).numbers] * 2)
        for other in (False, True)
    )
    plain = means(started())
    assert means(started(), view=neutral, **seeds) == pytest.approx(plain, rel=1e-5)
    by_hand = 255 - batch()["frames"][..., ::-1]
    found = means(started(), view=turned, **seeds)
    assert found == pytest.approx(means(started(), frames=by_hand), rel=1e-4) and found["loss"] != plain["loss"]
    trained = [train(started(), batch() | {"view": view, **seeds}, None, KEY)[1].means() for view in (neutral, turned)]
    known = train(started(), batch(), None, KEY)[1].means()
    assert trained[0] == pytest.approx(known, rel=1e-5) and trained[1]["loss"] != known["loss"]


def test_a_batch_without_any_known_frame_teaches_nothing() -> None:
    state, metrics = train(started(), batch() | {"mask": 0 * batch()["mask"]}, None, KEY)
    # The warm-up's first step is small; only the decay of the weights is left of it.
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-3), state.params, started().params)
    assert metrics.counts["loss"] == 0


def test_the_loss_is_what_it_says() -> None:
    """With all weights zero the logit is 0: log 2 a frame, threefold where it sounds, and the bands' squares."""
    zero = jax.tree.map(jnp.zeros_like, started().params)
    found = means(started().replace(variables={"ema": zero}))
    timing = np.log(2) * (1 + 2 * 2 / 12)
    assert found["onset"] == pytest.approx(timing, rel=1e-5)
    assert found["bands"] == pytest.approx(2 / 12, rel=1e-5)
    assert found["loss"] == pytest.approx(timing + 0.3 * 2 * 2 / 12, rel=1e-5)


def test_the_average_begins_at_the_start_and_is_what_is_measured() -> None:
    state, _ = train(started(), batch(), None, KEY)
    decay = 2 / 11
    expected: Any = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, started().params, state.params)
    jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-6), state.variables["ema"], expected)
    only_average = state.replace(params=jax.tree.map(jnp.zeros_like, state.params))
    assert means(only_average) == means(state)


def test_films_without_sound_teach_onsets_and_no_bands() -> None:
    wrong = batch()["bands"].copy()
    wrong[1] = 7.0
    silent = np.array([1, 0], np.float32)
    assert means(started(), heard=silent, bands=wrong)["bands"] == pytest.approx(means(started())["bands"], rel=1e-5)
    assert means(started(), heard=silent)["onset"] == pytest.approx(means(started())["onset"], rel=1e-6)
    assert means(started(), heard=np.zeros(2, np.float32))["bands"] == 0
