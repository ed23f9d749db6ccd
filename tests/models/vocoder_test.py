"""Laws of the vocoder and of its normalised convolutions; its numbers are tested in gan_golden_test."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.vocoder import MelGAN
from vis2sound_jax.models.weight_norm import NormedConv, NormedUpsampling, reflect

MODEL = MelGAN(n_mels=6, width=2, ratios=(4, 3), residual_layers=2)
run = jax.jit(MODEL.apply)


@functools.cache
def variables() -> dict[str, Any]:
    """Random weights; drawn by numpy because compiling `init` takes many times longer."""
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(MODEL.init, jax.random.key(0), jnp.zeros((1, 6, 8)))
    return jax.tree.map(lambda s: jnp.asarray(0.5 * rng.standard_normal(s.shape, np.float32)), shapes)


@pytest.mark.parametrize("frames", [4, 9])
def test_each_frame_becomes_a_hop_of_samples(frames: int) -> None:
    wav = run(variables(), jax.random.uniform(jax.random.key(1), (2, 6, frames)))
    assert wav.shape == (2, frames * MODEL.hop)
    assert jnp.abs(wav).max() <= 1
    assert jnp.std(wav) > 1e-3


def test_far_frames_do_not_change_a_sample() -> None:
    mel = jax.random.uniform(jax.random.key(1), (1, 6, 40))
    changed = run(variables(), mel.at[:, :, 30:].set(0.0))
    same = np.isclose(run(variables(), mel)[0], changed[0], atol=1e-6)
    assert same[: 20 * MODEL.hop].all()
    assert not same[30 * MODEL.hop :].all()


def test_the_length_of_a_direction_does_not_matter() -> None:
    longer = jax.tree_util.tree_map_with_path(lambda path, x: 3.0 * x if path[-1].key == "weight_v" else x, variables())
    mel = jax.random.uniform(jax.random.key(1), (1, 6, 5))
    np.testing.assert_allclose(run(longer, mel), run(variables(), mel), atol=1e-5)


@pytest.mark.parametrize("ratio", [2, 3, 8])
def test_upsampling_is_a_transposed_convolution(ratio: int) -> None:
    model, x = NormedUpsampling(3, ratio), jax.random.normal(jax.random.key(0), (1, 5, 2))
    params = model.init(jax.random.key(1), x)["params"] | {"bias": jnp.arange(3.0)}
    full = np.zeros((6 * ratio, 3))
    for i in range(5):  # at the start the length is the direction's own
        full[i * ratio : (i + 2) * ratio] += np.asarray(params["weight_v"] @ x[0, i])
    first = (ratio + 1) // 2
    expected = full[first : first + 5 * ratio] + np.arange(3.0)
    np.testing.assert_allclose(model.apply({"params": params}, x)[0], expected, atol=1e-5)


def test_a_fresh_convolution_has_the_length_of_its_direction() -> None:
    model, x = NormedConv(4, 3, groups=2), jnp.ones((1, 8, 6))
    params = model.init(jax.random.key(0), x)["params"]
    assert params["weight_v"].shape == (3, 3, 4)
    np.testing.assert_allclose(params["weight_g"], np.sqrt((params["weight_v"] ** 2).sum((0, 1))), rtol=1e-6)


def test_ends_are_mirrored_without_their_own_sample() -> None:
    np.testing.assert_array_equal(reflect(jnp.arange(4.0)[None, :, None], 2)[0, :, 0], [2, 1, 0, 1, 2, 3, 2, 1])


def test_the_paper_size_has_the_released_parameter_count() -> None:
    shapes = jax.eval_shape(MelGAN().init, jax.random.key(0), jnp.zeros((1, 80, 32)))
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 4_266_050
    assert MelGAN().hop == 256


@pytest.mark.parametrize(
    ("shape", "message"), [((1, 5, 8), "has 5 bands and the vocoder knows 6"), ((1, 6, 3), "3 frames is too short")]
)
def test_log_mels_that_do_not_fit_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(variables(), jnp.zeros(shape))
