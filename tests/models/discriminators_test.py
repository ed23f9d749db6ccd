"""Laws of the discriminators; the numbers of the one for log-mels are tested in gan_golden_test."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.models.discriminators import PatchDiscriminator, WaveDiscriminator, halve

PATCH = PatchDiscriminator(width=2, layers=2)
WAVE = WaveDiscriminator(scales=2, width=4, layers=2, factor=2)
MEL = jax.random.uniform(jax.random.key(1), (2, 16, 64), minval=-1.0)
WAV = jax.random.uniform(jax.random.key(2), (2, 256), minval=-1.0)


@functools.cache
def patch_variables() -> dict[str, Any]:
    return jax.jit(functools.partial(PATCH.init, use_running_average=False))(jax.random.key(0), MEL)


@functools.cache
def wave_variables() -> dict[str, Any]:
    return jax.jit(WAVE.init)(jax.random.key(0), WAV)


def test_patches_are_judged_alone_by_stored_statistics() -> None:
    look = jax.jit(functools.partial(PATCH.apply, use_running_average=True))
    logits = look(patch_variables(), MEL)
    assert logits.shape == (2, 2, 14)
    np.testing.assert_allclose(look(patch_variables(), MEL[:1]), logits[:1], atol=1e-6)
    changed = look(patch_variables(), MEL.at[:, :, 60:].set(0.0))
    np.testing.assert_allclose(changed[..., :4], logits[..., :4], atol=1e-6)
    assert (changed[..., -1] != logits[..., -1]).all()


def test_training_updates_the_statistics() -> None:
    run = jax.jit(functools.partial(PATCH.apply, use_running_average=False, mutable=["batch_stats"]))
    _, updated = run(patch_variables(), MEL)
    assert set(updated["batch_stats"]) == {"norm_1", "norm_2"}
    assert (updated["batch_stats"]["norm_1"]["var"] != 1).all()


def test_weights_start_small_and_factors_near_one() -> None:
    params = jax.jit(functools.partial(PatchDiscriminator(layers=2).init, use_running_average=True))(
        jax.random.key(0), MEL
    )["params"]
    assert 0.019 < jnp.std(params["conv_1"]["kernel"]) < 0.021
    assert 0.015 < jnp.std(params["norm_1"]["scale"]) < 0.025
    assert 0.98 < jnp.mean(params["norm_1"]["scale"]) < 1.02
    assert set(params["conv_1"]) == {"kernel"} and set(params["conv_0"]) == {"kernel", "bias"}


def test_the_paper_sizes_have_the_paper_parameter_counts() -> None:
    init = functools.partial(PatchDiscriminator().init, use_running_average=True)
    shapes = jax.eval_shape(init, jax.random.key(0), jnp.zeros((1, 80, 160)))["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 2_763_585
    shapes = jax.eval_shape(WaveDiscriminator().init, jax.random.key(0), jnp.zeros((1, 8192)))["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 16_924_086


def test_waveforms_are_judged_at_every_rate() -> None:
    full, half = jax.jit(WAVE.apply)(wave_variables(), WAV)
    assert [x.shape for x in full.features] == [(2, 256, 4), (2, 128, 8), (2, 64, 16), (2, 64, 32)]
    assert full.logits.shape == (2, 64)
    assert half.logits.shape == (2, 32)
    assert set(wave_variables()["params"]) == {"scale_0", "scale_1"}


def test_halving_averages_what_exists() -> None:
    np.testing.assert_allclose(halve(jnp.arange(8.0)[None])[0], [1.0, 2.5, 4.5, 6.0])
