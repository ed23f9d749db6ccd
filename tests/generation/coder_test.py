"""Every codebook hears log-mels in [0, 1] and gives them back; a vocoder network sounds any length."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.generation.coder import Coder
from vis2sound_jax.generation.vocode import NetVocoder
from vis2sound_jax.models.patch_coder import PatchCoder
from vis2sound_jax.models.vocoder import MelGAN
from vis2sound_jax.models.vqgan import VQGAN

VQ = VQGAN(8, (1, 2), 1, (8,), 16, z_channels=4, embed_dim=4, n_codes=8)
MEL = np.random.default_rng(0).uniform(size=(1, 16, 16)).astype(np.float32)


def drawn(init: Any) -> Any:
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(functools.partial(init, jax.random.key(0)))["params"]
    return jax.tree.map(lambda leaf: jnp.asarray(0.3 * rng.standard_normal(leaf.shape, np.float32)), shapes)


def test_a_vqgan_is_scaled_to_its_own_range() -> None:
    coder, params = Coder(VQ), drawn(lambda key: VQ.init(key, MEL))
    grid = coder.encode(params, jnp.asarray(MEL))
    apply = jax.jit(functools.partial(VQ.apply, {"params": params}), static_argnames="method")
    np.testing.assert_array_equal(grid, apply(2 * MEL - 1, method="encode"))
    decoded = apply(grid, method="decode_code")
    np.testing.assert_allclose(coder.decode(params, grid), (decoded + 1) / 2, atol=1e-5)
    assert coder.looks_around and not Coder(PatchCoder()).looks_around


def test_a_vocoder_network_sounds_any_length_as_it_sounds_a_longer_one() -> None:
    net = MelGAN(16, 2, (4, 2), 1)
    vocoder = NetVocoder(net, drawn(lambda key: net.init(key, MEL)))
    mel = jnp.asarray(np.random.default_rng(1).uniform(size=(2, 16, 100)), jnp.float32)
    for t in (1, 63, 64, 100):
        wav = vocoder(mel[:, :, :t], jax.random.key(0))
        assert wav.shape == (2, 8 * t) and bool(jnp.isfinite(wav).all())
    np.testing.assert_allclose(
        vocoder(mel, jax.random.key(0))[:, : 8 * 40], vocoder(mel[:, :, :80], jax.random.key(1))[:, : 8 * 40], atol=1e-5
    )
