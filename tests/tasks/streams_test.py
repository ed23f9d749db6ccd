"""Laws of the streams' training: onset and sound are learned from the film, what is masked does not count."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.image_streams import SoundGuess
from vis2sound_jax.tasks.streams import StreamsTask
from vis2sound_jax.training.task import TrainState
from vis2sound_jax.video.frames import GreyAugmentation

NET = SoundGuess((4, 4), (4, 4, 4), places=1, every=6, width=8, blocks=1, sound=2, timbres=3, dropout=0.0)
TASK = StreamsTask(NET, steps=40, learning_rate=3e-2)
KEY = jax.random.key(0)


@functools.cache
def batch() -> dict[str, np.ndarray]:
    """Two films that jump at frame 6; one is red and sounds low, the other is blue and sounds high."""
    frames = np.zeros((2, 12, 8, 8), np.uint8)
    frames[:, 6:, :4] = 200
    stills = np.zeros((2, 2, 8, 8, 3), np.uint8)
    stills[0, ..., 0] = stills[1, ..., 2] = 220
    onset = np.zeros((2, 12), np.float32)
    onset[:, 6] = 1.0
    sound = np.zeros((2, 12, 2), np.float32)
    sound[0, 6:, 0] = sound[1, 6:, 1] = 2.0
    timbre = np.full((2, 12), -1, np.int32)
    timbre[0, 5:10], timbre[1, 5:10] = 0, 2
    everywhere = np.ones((2, 12), np.float32)
    return {
        "frames": frames,
        "stills": stills,
        "onset": onset,
        "sound": sound,
        "timbre": timbre,
        "mask": everywhere,
    }


@functools.cache
def started() -> TrainState:
    return jax.jit(TASK.init)(KEY, batch())


train, measure = jax.jit(TASK.train_step), jax.jit(TASK.eval_step)


def means(state: TrainState, **changes: np.ndarray) -> dict[str, float]:
    return measure(state, batch() | changes, None).means()


def test_training_lowers_the_loss_and_the_look_tells_the_sound() -> None:
    state = started()
    for step in range(TASK.steps):
        state, _ = train(state, batch(), None, jax.random.fold_in(KEY, step))
    learned = state.replace(variables={"ema": state.params})
    assert means(learned)["loss"] < 0.6 * means(started())["loss"]
    swapped = means(learned, stills=batch()["stills"][::-1])
    assert swapped["sound"] > 1.5 * means(learned)["sound"] and swapped["timbre"] > 1.5 * means(learned)["timbre"]
    assert means(learned, frames=batch()["frames"][:, ::-1])["onset"] > 1.5 * means(learned)["onset"]


def test_masked_frames_do_not_count() -> None:
    mask = batch()["mask"].copy()
    mask[:, 8:] = 0
    wrong = {name: batch()[name].copy() for name in ("onset", "sound")}
    for value in wrong.values():
        value[:, 8:] = 1 - value[:, 8:]
    assert means(started(), mask=mask, **wrong) == means(started(), mask=mask) != means(started())
    assert measure(started(), batch() | {"mask": mask}, None).counts["loss"] == 16


def test_a_film_and_its_colours_are_altered_together_but_only_the_film_is_turned_into_its_negative() -> None:
    view = np.stack([GreyAugmentation((0, 0, 8, 8), True, 1, 1, 1, 0, 0, negative=True).numbers] * 2)
    stills = batch()["stills"].copy()
    stills[:, :, :, :4] //= 2
    frames = batch()["frames"].copy()
    frames[..., :4] //= 2
    found = means(started(), frames=frames, stills=stills, view=view, view_seed=np.arange(2, dtype=np.uint32))
    by_hand = means(started(), frames=255 - frames[..., ::-1], stills=stills[:, :, :, ::-1])
    assert found == pytest.approx(by_hand, rel=1e-5)
    assert found != pytest.approx(means(started(), frames=255 - frames[..., ::-1], stills=stills), rel=1e-4)


def test_the_loss_is_what_it_says() -> None:
    """With all weights zero the logit is 0: log 2 a frame, threefold where it sounds, and the powers."""
    zero = started().replace(variables={"ema": jax.tree.map(jnp.zeros_like, started().params)})
    timing, power, kind = np.log(2) * (1 + 2 / 12), 4.0 / 2 / 2, np.log(3)
    loss = timing + 0.5 * power + kind * 5 / 12
    assert means(zero) == pytest.approx({"onset": timing, "sound": power, "timbre": kind, "loss": loss}, rel=1e-5)
