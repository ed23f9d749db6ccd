"""Ours to the reference and back is identical for every kind, and misfits of a file are told together."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.alexnet import AlexNet
from vis2sound_jax.models.audio_unet import AudioUNet
from vis2sound_jax.models.discriminators import PatchDiscriminator
from vis2sound_jax.models.perceptual import Lpaps
from vis2sound_jax.models.r2plus1d import R2Plus1D
from vis2sound_jax.models.resnet import ResNet
from vis2sound_jax.models.transformer import Transformer
from vis2sound_jax.models.vgg import VGG19Head
from vis2sound_jax.models.vggishish import Vggishish
from vis2sound_jax.models.video_onset import VideoOnsetNet
from vis2sound_jax.models.vocoder import MelGAN
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.weights.convert import params_from_state_dict, state_dict_from_params
from vis2sound_jax.weights.names import TABLES
from vis2sound_jax.weights.sizes import sizes_from_state_dict

CHANNELS, WIDTHS = (2, 3, 3, 4, 2), (2, 3, 4, 5)
IMAGE, SPECTRA, SEEN = jnp.zeros((1, 32, 64, 3)), jnp.zeros((1, 9, 8, 2)), jnp.zeros((1, 2, 3, 4))
MEL, FILM = jnp.zeros((1, 16, 16)), jnp.zeros((1, 2, 8, 8, 3))
stored = {"use_running_average": True}

# Kind → a small model and how to initialise it.
MODELS: dict[str, tuple[nn.Module, Callable[..., Any]]] = {
    "alexnet": (AlexNet((2, 3, 4, 3, 2), 5), lambda init: init(jnp.zeros((1, 64, 64, 3)))),
    "audio_unet": (AudioUNet(2, 2, 3, 1), lambda init: init(SPECTRA, SEEN, **stored)),
    "codebook": (
        VQGAN(4, (1, 2), 1, (10,), 20, z_channels=4, embed_dim=6, n_codes=8),
        lambda init: init(MEL),
    ),
    "discriminator": (PatchDiscriminator(2, 2), lambda init: init(MEL, **stored)),
    "melgan": (MelGAN(5, 2, (4, 2), 2), lambda init: init(jnp.zeros((1, 5, 8)))),
    "perceptual": (Lpaps(CHANNELS), lambda init: init(MEL, MEL)),
    "r2plus1d": (R2Plus1D(WIDTHS), lambda init: init(FILM, **stored)),
    "resnet": (ResNet((1, 2, 1, 3), WIDTHS, bottleneck=True), lambda init: init(IMAGE, **stored)),
    "resnet_trunk": (ResNet((2, 2, 1, 1), WIDTHS), lambda init: init(IMAGE, **stored)),
    "transformer": (
        Transformer(vocab=7, slots=9, layers=2, width=4, heads=2),
        lambda init: init(jnp.zeros((1, 2), jnp.int32), prefix=jnp.zeros((1, 2, 3))),
    ),
    "vgg19": (VGG19Head((2, 3, 3, 4, 2)), lambda init: init(jnp.zeros((1, 32, 32, 3)))),
    "vggishish": (Vggishish(3, CHANNELS, 6), lambda init: init(MEL)),
    "video_onset": (VideoOnsetNet(WIDTHS, 3), lambda init: init(FILM, **stored)),
}


@functools.cache
def variables(kind: str) -> dict[str, Any]:
    """Random variables; every entry differs, so that a wrong order shows."""
    model, call = MODELS[kind]
    shapes = jax.eval_shape(lambda: call(functools.partial(model.init, jax.random.key(0))))
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape).astype(np.float32), shapes)


def test_every_kind_is_here() -> None:
    assert set(MODELS) == set(TABLES)


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_ours_to_theirs_and_back_is_identical(kind: str) -> None:
    ours = variables(kind)
    for prefix in TABLES[kind].prefixes:
        theirs = state_dict_from_params(ours, kind, prefix)
        assert len(theirs) == len(jax.tree.leaves(ours))
        assert all(name.startswith(prefix) for name in theirs)
        back = params_from_state_dict(theirs, kind, ours)
        jax.tree.map(np.testing.assert_array_equal, back, ours)
        sizes = sizes_from_state_dict(theirs, kind)
        assert sizes == {name: getattr(MODELS[kind][0], name) for name in sizes}


def test_a_path_without_a_name_is_told() -> None:
    with pytest.raises(UserError, match="melgan table has no reference name for params/a/b, params/c; give"):
        state_dict_from_params({"params": {"a": {"b": np.zeros(1)}, "c": np.zeros(1)}}, "melgan")


def test_a_renamed_a_missing_and_a_transposed_key_are_told_in_one_message() -> None:
    theirs = state_dict_from_params(variables("melgan"), "melgan")
    theirs["model.1.offset"] = theirs.pop("model.1.bias")
    del theirs["model.4.shortcut.weight_g"]
    theirs["model.8.block.2.weight_v"] = theirs["model.8.block.2.weight_v"].T
    with pytest.raises(UserError) as caught:
        params_from_state_dict(theirs, "melgan", variables("melgan"))
    message = str(caught.value)
    assert "\n" not in message
    for problem in (
        "extra model.1.offset",
        "missing params/layer_1/bias",
        "missing params/layer_4/shortcut/weight_g",
        "misshapen model.8.block.2.weight_v (params/layer_8/dilated/weight_v is",
    ):
        assert problem in message
    assert "double" not in message


def test_a_model_that_is_there_twice_is_told() -> None:
    theirs = state_dict_from_params(variables("melgan"), "melgan")
    theirs["module.model.1.bias"] = theirs["model.1.bias"]
    with pytest.raises(UserError, match=r"double params/layer_1/bias \(module.model.1.bias and model.1.bias\)"):
        params_from_state_dict(theirs, "melgan", variables("melgan"))
