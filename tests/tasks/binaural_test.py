"""Laws of the training of 2.5D Visual Sound: it learns by sight, mirrors both senses, steps are pure."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from tests.started import started
from vis2sound_jax.audio.binaural import as_pairs
from vis2sound_jax.audio.stft import StftSpec, stft
from vis2sound_jax.models.audio_unet import AudioUNet
from vis2sound_jax.models.resnet import ResNet
from vis2sound_jax.tasks.binaural import BinauralTask, jittered, mirrored
from vis2sound_jax.training.task import Metrics, TrainState


def analyse(wav: jax.Array) -> jax.Array:
    return as_pairs(stft(wav, StftSpec(32, 16)))


TASK = BinauralTask(
    ResNet((1, 1), (4, 8)),
    AudioUNet(width=4, depth=2, reduced=2),
    analyse,
    steps=60,
    learning_rate=1e-2,
    eye_rate=1.0,
    crop=(32, 56),
)


@functools.cache
def batch() -> dict[str, np.ndarray]:
    """Noise at the side on which it is bright."""
    rng = np.random.default_rng(0)
    ears = 0.05 * rng.standard_normal((8, 1, 16 * 15)) * np.array([[1.0], [0.1]])
    pictures = rng.integers(0, 60, (8, 32, 64, 3), np.uint8)
    for k in range(8):
        if k % 2:
            ears[k] = ears[k, ::-1]
        pictures[k, :, 32 * (k % 2) : 32 * (k % 2) + 32] += 160
    return {"ears": ears.astype(np.float32), "pictures": pictures}


@functools.partial(jax.jit, static_argnums=0)
def train(task: BinauralTask, state: TrainState, key: jax.Array) -> tuple[TrainState, Metrics]:
    state, metrics = task.train_step(state, batch(), None, key)
    return state.replace(step=state.step + 1), metrics


@functools.cache
def states() -> list[TrainState]:
    found = [started(TASK, batch())]
    for _ in range(TASK.steps):
        found.append(train(TASK, found[-1], jax.random.key(len(found)))[0])
    return found


def test_it_learns_on_which_side_a_sound_is_from_the_picture_alone() -> None:
    residuals = [train(TASK, states()[i], jax.random.key(0))[1].means()["residual"] for i in (0, -1)]
    assert residuals[0] > 0.9 and residuals[1] < 0.35
    measure = jax.jit(TASK.eval_step)
    last = states()[-1]
    flipped = {**batch(), "pictures": batch()["pictures"][:, :, ::-1]}
    blind = dataclasses.replace(TASK, blind=True)
    assert measure(last, flipped, None).means()["residual"] > 1.0
    seen = [jax.jit(blind.eval_step)(last, b, None).means()["residual"] for b in (batch(), flipped)]
    assert seen[0] == seen[1]


def test_statistics_and_both_networks_move_and_steps_are_pure() -> None:
    before, (after, metrics) = states()[1], train(TASK, states()[1], jax.random.key(0))
    for tree in ("params", "variables"):
        moved = jax.tree.map(lambda a, b: bool((a != b).any()), getattr(before, tree), getattr(after, tree))
        assert np.mean(jax.tree.leaves(moved)) > 0.8
    again, _ = train(TASK, before, jax.random.key(0))
    jax.tree.map(np.testing.assert_array_equal, again.params, after.params)
    assert metrics.means()["loss"] > 0


def test_the_visual_network_takes_shorter_steps() -> None:
    params = states()[3].params
    gradients = jax.tree.map(lambda x: x + 0.1, params)
    normal, slow = (
        jax.jit(rule.update)(gradients, rule.init(params), params)[0]
        for rule in (TASK.optimizer, dataclasses.replace(TASK, eye_rate=0.1).optimizer)
    )
    close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-9)
    jax.tree.map(lambda a, b: close(0.1 * a, b), normal["visual"], slow["visual"])
    jax.tree.map(close, normal["audio"], slow["audio"])


def test_a_mirror_image_swaps_the_channels() -> None:
    once = mirrored(batch(), jnp.array([True, False] * 4))
    np.testing.assert_array_equal(once["pictures"][0], batch()["pictures"][0][:, ::-1])
    np.testing.assert_array_equal(once["ears"][0], batch()["ears"][0][::-1])
    np.testing.assert_array_equal(once["ears"][1], batch()["ears"][1])
    twice = mirrored(once, jnp.array([True, False] * 4))
    np.testing.assert_array_equal(twice["pictures"], batch()["pictures"])


def test_steps_are_altered_by_their_key() -> None:
    one, other = (train(TASK, states()[0], jax.random.key(k))[1].means()["loss"] for k in (1, 2))
    assert one != other


def test_pictures_are_jittered_as_pillow_does() -> None:
    from PIL import Image, ImageEnhance

    picture = batch()["pictures"][0]
    image = ImageEnhance.Color(ImageEnhance.Brightness(Image.fromarray(picture)).enhance(1.2)).enhance(0.8)
    ours = jittered(jnp.asarray(picture[None] / 255.0), jnp.array([[1.2], [0.8]]))
    np.testing.assert_allclose(ours[0] * 255, np.asarray(image), atol=2.5)
