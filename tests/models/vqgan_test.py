"""Laws of the log-mel autoencoder; its numbers are tested in golden_test."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.vqgan import VQGAN

MODEL = VQGAN(8, (1, 2), 1, (8,), 16, z_channels=4, embed_dim=4, n_codes=8)


@functools.cache
def variables() -> dict[str, Any]:
    """Random weights; drawn by numpy because compiling `init` takes many times longer."""
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(MODEL.init, jax.random.key(0), jnp.zeros((1, 8, 8)))
    return jax.tree.map(lambda s: jnp.asarray(0.3 * rng.standard_normal(s.shape, np.float32)), shapes)


@pytest.mark.parametrize("frames", [8, 20])
def test_any_length_that_divides_survives_the_round_trip(frames: int) -> None:
    mel = jax.random.uniform(jax.random.key(1), (2, 8, frames), minval=-1.0)
    reconstruction, found = jax.jit(MODEL.apply)(variables(), mel)
    assert reconstruction.shape == mel.shape
    assert found.indices.shape == (2, 4, frames // 2)
    decode_code = jax.jit(functools.partial(MODEL.apply, method="decode_code"))
    again = decode_code(variables(), found.indices)
    np.testing.assert_allclose(again, reconstruction, atol=1e-5)


def test_other_lengths_are_refused() -> None:
    with pytest.raises(UserError, match="8 bands x 7 frames.*multiples of 2"):
        MODEL.apply(variables(), jnp.zeros((1, 8, 7)), method="encode")


def test_the_paper_sizes_have_the_paper_parameter_counts() -> None:
    shapes = jax.eval_shape(VQGAN().init, jax.random.key(0), jnp.zeros((1, 80, 160)))["params"]
    count = {name: sum(leaf.size for leaf in jax.tree.leaves(part)) for name, part in shapes.items()}
    assert count == {
        "encoder": 29_295_872,
        "decoder": 42_447_489,
        "codebook": 262_144,
        "quant_conv": 65_792,
        "post_quant_conv": 65_792,
    }


def test_attention_sits_only_at_the_coarsest_level() -> None:
    shapes = jax.eval_shape(VQGAN().init, jax.random.key(0), jnp.zeros((1, 80, 160)))["params"]
    attends = {name for name in (*shapes["encoder"], *shapes["decoder"]) if "attn" in name}
    assert attends == {f"{way}_4_attn_{i}" for way, n in (("down", 2), ("up", 3)) for i in range(n)}
