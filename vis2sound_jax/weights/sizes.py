"""Reads a model's sizes from the shapes in a released file, so that no configuration file is needed."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vis2sound_jax.errors import UserError
from vis2sound_jax.weights.convert import part_of
from vis2sound_jax.weights.gan_names import VGG_PLACES
from vis2sound_jax.weights.rules import Weight


def sizes_from_state_dict(state_dict: Mapping[str, Weight], kind: str) -> dict[str, Any]:
    """Returns the constructor fields that a file's shapes determine.

    Args:
      state_dict: reference name to array.
      kind: name of a table in `names.TABLES`.

    Returns:
      Keyword arguments of `AlexNet`, `AudioUNet`, `VQGAN`, `PatchDiscriminator`, `MelGAN`, `Lpaps`, `R2Plus1D`,
      `ResNet`, `Transformer`, `VGG19Head`, `Vggishish` or `VideoOnsetNet`. The number of attention heads leaves no
      trace in the shapes and is not among them, and neither is what the mask of an `AudioUNet` means.

    Raises:
      UserError: if the kind is unknown, or if an array that tells a size is not in the file.
    """
    part = part_of(state_dict, kind)
    try:
        return _READERS[kind](part)
    except KeyError as error:
        raise UserError(
            f"the weights hold no {kind} model: {error.args[0]} is missing; choose the file of this model"
        ) from error
    except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError) as error:
        raise UserError(
            f"the weights hold no {kind} model: an array has not the axes of one; choose the file of this model"
        ) from error


def _count(part: Mapping[str, np.ndarray], pattern: str) -> int:
    """One more than the largest number that the pattern's group finds."""
    found = (re.match(pattern, name) for name in part)
    count = max((int(match[1]) + 1 for match in found if match), default=0)
    if count > len(part):
        raise UserError(f"{len(part)} arrays cannot make {count} layers; choose the file of this model, as released")
    return count


def _codebook(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    ch = part["encoder.conv_in.weight"].shape[0]
    levels = _count(part, r"encoder\.down\.(\d+)\.")
    widths = [part[f"encoder.down.{level}.block.0.conv2.weight"].shape[0] for level in range(levels)]
    resolution = 2 ** (levels - 1) * 10
    attends = [level for level in range(levels) if f"encoder.down.{level}.attn.0.q.weight" in part]
    n_codes, embed_dim = part["quantize.embedding.weight"].shape
    return {
        "ch": ch,
        "ch_mult": tuple(width // ch for width in widths),
        "num_res_blocks": _count(part, r"encoder\.down\.0\.block\.(\d+)\."),
        "attn_resolutions": tuple(resolution >> level for level in attends),
        "resolution": resolution,
        "z_channels": part["encoder.conv_out.weight"].shape[0],
        "embed_dim": embed_dim,
        "n_codes": n_codes,
    }


def _transformer(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    vocab, width = part["tok_emb.weight"].shape
    slots = part["pos_emb"].shape[1]
    return {"vocab": vocab, "slots": slots, "layers": _count(part, r"blocks\.(\d+)\."), "width": width}


def _r2plus1d(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {"widths": tuple(part[f"layer{level}.0.conv1.1.weight"].shape[0] for level in range(1, 5))}


def _alexnet(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    widths = tuple(part[f"features.{place}.weight"].shape[0] for place in (0, 3, 6, 8, 10))
    return {"widths": widths, "hidden": part["classifier.4.weight"].shape[0]}


def _audio_unet(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    depth = _count(part, r"audionet_convlayer(\d+)\.") - 1  # they are numbered from 1
    return {
        "width": part["audionet_convlayer1.0.weight"].shape[0],
        "depth": depth,
        "reduced": part["conv1x1.0.weight"].shape[0],
        "outputs": part[f"audionet_upconvlayer{depth}.0.weight"].shape[1],
    }


def _residual(part: Mapping[str, np.ndarray], levels: list[str]) -> dict[str, Any]:
    """Sizes of a residual network, its levels under the given names."""
    return {
        "blocks": tuple(_count(part, rf"{re.escape(level)}\.(\d+)\.") for level in levels),
        "widths": tuple(part[f"{level}.0.conv1.weight"].shape[0] for level in levels),
        "bottleneck": f"{levels[0]}.0.conv3.weight" in part,
    }


def _resnet(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return _residual(part, [f"layer{level}" for level in range(1, 5)])


def _resnet_trunk(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return _residual(part, [f"feature_extraction.{place}" for place in range(4, 8)])


def _discriminator(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    first = part["main.0.weight"]
    convolutions = [name for name, value in part.items() if value.ndim == first.ndim]
    return {"width": first.shape[0], "layers": len(convolutions) - 2}


def _melgan(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    first = part["model.1.weight_v"]
    places = sorted(int(match[1]) for name in part if (match := re.fullmatch(r"model\.(\d+)\.weight_v", name)))
    *_, last = kernels = [part[f"model.{place}.weight_v"].shape for place in places]
    stacks = sum(name.endswith(".shortcut.weight_v") for name in part)
    return {
        "n_mels": first.shape[1],
        "width": last[1],
        "ratios": tuple(size // 2 for _, _, size in kernels[1:-1]),
        "residual_layers": stacks // max(len(kernels) - 2, 1),
    }


def _perceptual(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {"channels": tuple(part[f"lin{level}.model.1.weight"].shape[1] for level in range(len(VGG_PLACES)))}


def _vggishish(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    classes, hidden = part["classifier.4.weight"].shape
    channels = tuple(part[f"features.{places[0]}.weight"].shape[0] for places in VGG_PLACES)
    return {"classes": classes, "channels": channels, "hidden": hidden}


def _video_onset(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    net = {name.removeprefix("net.model."): value for name, value in part.items()}
    return {**_r2plus1d(net), "hidden": part["fc.0.weight"].shape[0]}


def _vgg19(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {"widths": tuple(part[f"features.{place}.weight"].shape[0] for place in (0, 2, 5, 7, 10))}


_READERS: dict[str, Callable[[Mapping[str, np.ndarray]], dict[str, Any]]] = {
    "alexnet": _alexnet,
    "audio_unet": _audio_unet,
    "codebook": _codebook,
    "discriminator": _discriminator,
    "melgan": _melgan,
    "perceptual": _perceptual,
    "r2plus1d": _r2plus1d,
    "resnet": _resnet,
    "resnet_trunk": _resnet_trunk,
    "transformer": _transformer,
    "vgg19": _vgg19,
    "vggishish": _vggishish,
    "video_onset": _video_onset,
}
