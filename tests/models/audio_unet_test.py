"""Laws of the audio U-Net; its numbers are tested in binaural_golden_test."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.audio_unet import AudioUNet, complex_product

NET = AudioUNet(width=2, depth=2, reduced=3)
STORED = {"use_running_average": True}
SEEN = jnp.asarray(np.random.default_rng(0).standard_normal((3, 2, 4, 5)), jnp.float32)
SPECTRA = jnp.asarray(np.random.default_rng(1).standard_normal((3, 17, 8, 2)), jnp.float32)


@functools.cache
def variables(net: AudioUNet = NET) -> Any:
    inputs = SPECTRA.shape[-1] if net.head == "complex" else 1
    started = jax.jit(functools.partial(net.init, **STORED))(jax.random.key(0), SPECTRA[..., :inputs], SEEN)
    # Larger kernels than a start has: then the mask depends on everything.
    larger = lambda path, x: 10 * x if path[-1].key == "kernel" else x  # noqa: E731
    return {**started, "params": jax.tree_util.tree_map_with_path(larger, started["params"])}


def test_a_complex_mask_lies_within_1_and_leaves_out_half_the_rate() -> None:
    mask = NET.apply(variables(), SPECTRA, SEEN, **STORED)
    assert mask.shape == (3, 16, 8, 2)
    assert float(jnp.abs(mask).max()) <= 1 and float(mask.min()) < -0.1


def test_a_share_lies_within_0_and_1() -> None:
    net = AudioUNet(width=2, depth=2, reduced=3, outputs=1, head="ratio")
    share = net.apply(variables(net), SPECTRA[..., :1], SEEN, **STORED)
    assert share.shape == (3, 16, 8, 1)
    assert 0 <= float(share.min()) < float(share.max()) <= 1


def test_a_frame_reduced_once_serves_several_windows() -> None:
    codes = NET.apply(variables(), SEEN, method="code", **STORED)
    assert codes.shape == (3, 3 * 2 * 4)
    together = NET.apply(variables(), SPECTRA, SEEN[jnp.array([0, 0, 2])], **STORED)
    apart = NET.apply(variables(), SPECTRA, codes[jnp.array([0, 0, 2])], method="mask", **STORED)
    np.testing.assert_allclose(apart, together, atol=1e-6)


def test_what_is_seen_changes_the_mask() -> None:
    one, other = (NET.apply(variables(), SPECTRA, seen, **STORED) for seen in (SEEN, SEEN[:, :, ::-1]))
    assert float(jnp.abs(one - other).max()) > 1e-2


def test_the_paper_size_has_the_paper_parameter_count() -> None:
    shapes = jax.eval_shape(
        functools.partial(AudioUNet().init, **STORED),
        jax.random.key(0),
        jnp.zeros((1, 257, 64, 2)),
        jnp.zeros((1, 7, 14, 512)),
    )
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes["params"])) == 23_086_234


def test_frames_that_do_not_fit_the_depth_are_refused() -> None:
    with pytest.raises(UserError, match="has 6 frames; a U-Net of 2 layers needs a multiple of 4"):
        NET.apply(variables(), SPECTRA[:, :, :6], SEEN, **STORED)


def test_the_product_is_that_of_complex_numbers() -> None:
    mask = SPECTRA[:, :16] / 3
    made = complex_product(mask, SPECTRA)
    pairs = lambda x: np.asarray(x[..., 0] + 1j * x[..., 1])  # noqa: E731
    np.testing.assert_allclose(pairs(made), pairs(mask) * pairs(SPECTRA[:, :16]), rtol=1e-5, atol=1e-6)
