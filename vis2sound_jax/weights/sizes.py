"""Reads a model's sizes from the shapes in a released file, so that no configuration file is needed."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from vis2sound_jax.errors import UserError
from vis2sound_jax.weights.convert import part_of


def sizes_from_state_dict(state_dict: Mapping[str, np.ndarray], kind: str) -> dict[str, Any]:
    """Returns the constructor fields that a file's shapes determine.

    Args:
      state_dict: reference name to array.
      kind: "alexnet", "codebook", "transformer", "r2plus1d" or "vgg19".

    Returns:
      Keyword arguments of `AlexNet`, `VQGAN`, `Transformer`, `R2Plus1D` or `VGG19Head`. The number of attention heads
      leaves no trace in the shapes and is not among them.

    Raises:
      UserError: if the kind is unknown, or if an array that tells a size is not in the file.
    """
    readers = {"alexnet": _alexnet, "codebook": _codebook, "transformer": _transformer, "r2plus1d": _r2plus1d}
    readers["vgg19"] = _vgg19
    part = part_of(state_dict, kind)
    try:
        return readers[kind](part)
    except KeyError as error:
        raise UserError(
            f"the weights hold no {kind} model: {error.args[0]} is missing; choose the file of this model"
        ) from error


def _count(part: Mapping[str, np.ndarray], pattern: str) -> int:
    """One more than the largest number that the pattern's group finds."""
    found = (re.match(pattern, name) for name in part)
    return max((int(match[1]) + 1 for match in found if match), default=0)


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


def _vgg19(part: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {"widths": tuple(part[f"features.{place}.weight"].shape[0] for place in (0, 2, 5, 7, 10))}
