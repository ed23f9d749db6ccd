"""Where each entry of a released checkpoint goes: tables from reference names to ours.

A rule reads one reference key and names our collection, our path and the change of layout. Reference arrays
are laid out as torch keeps them: convolutions [out, in, ...], linear maps [out, in].
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Transform = Callable[[np.ndarray], np.ndarray]


class Rule(NamedTuple):
    r"""One line of a table.

    Attributes:
      pattern: regular expression that the whole reference key must match.
      path: our path, `collection/module/.../name`, with the pattern's groups as `\1`.
      transform: from the reference's layout to ours; raises ValueError if the array has other axes.
    """

    pattern: str
    path: str
    transform: Transform


class Table(NamedTuple):
    """How one model is stored in released files.

    Attributes:
      prefixes: under which the model's keys may stand; the first that occurs in a file is taken.
      rules: the keys to read.
      ignored: patterns of keys that carry nothing to convert.
    """

    prefixes: tuple[str, ...]
    rules: tuple[Rule, ...]
    ignored: tuple[str, ...]


def _same(x: np.ndarray) -> np.ndarray:
    return x


def _conv2d(x: np.ndarray) -> np.ndarray:
    """[out, in, h, w] to [h, w, in, out]."""
    return x.transpose(2, 3, 1, 0)


def _pointwise(x: np.ndarray) -> np.ndarray:
    """[out, in, 1] or [out, in, 1, 1] to [in, out]."""
    return x.reshape(x.shape[:2]).T


def _spatial(x: np.ndarray) -> np.ndarray:
    """[out, in, 1, h, w] to [h, w, in, out]."""
    return x.squeeze(2).transpose(2, 3, 1, 0)


def _temporal(x: np.ndarray) -> np.ndarray:
    """[out, in, t, 1, 1] to [t, 1, in, out]."""
    return x.squeeze(4).transpose(2, 3, 1, 0)


def _flattened(x: np.ndarray) -> np.ndarray:
    """[out, c * 6 * 6], channels outermost, to [6 * 6 * c, out], channels innermost."""
    return x.reshape(x.shape[0], -1, 6, 6).transpose(2, 3, 1, 0).reshape(-1, x.shape[0])


def _without_batch(x: np.ndarray) -> np.ndarray:
    """[1, ...] to [...]."""
    return x.squeeze(0)


def _affine(pattern: str, path: str, transform: Transform, name: str = "kernel") -> tuple[Rule, ...]:
    """A weight called `name` in our layout, and its bias."""
    return (
        Rule(rf"{pattern}\.weight", f"params/{path}/{name}", transform),
        Rule(rf"{pattern}\.bias", f"params/{path}/bias", _same),
    )


def _batch_norm(pattern: str, path: str) -> tuple[Rule, ...]:
    return (
        *_affine(pattern, path, _same, "scale"),
        Rule(rf"{pattern}\.running_mean", f"batch_stats/{path}/mean", _same),
        Rule(rf"{pattern}\.running_var", f"batch_stats/{path}/var", _same),
    )


_HALF = r"(encoder|decoder)"
_LEVEL = rf"{_HALF}\.(down|up)\.(\d+)"

CODEBOOK = Table(
    prefixes=("first_stage_model.", ""),
    rules=(
        *_affine(rf"{_HALF}\.(conv_in|conv_out)", r"\1/\2", _conv2d),
        *_affine(rf"{_HALF}\.norm_out", r"\1/norm_out", _same, "scale"),
        *_affine(rf"{_HALF}\.mid\.(block_\d)\.(norm\d)", r"\1/mid/\2/\3", _same, "scale"),
        *_affine(rf"{_HALF}\.mid\.(block_\d)\.(conv\d)", r"\1/mid/\2/\3", _conv2d),
        *_affine(rf"{_HALF}\.mid\.attn_1\.norm", r"\1/mid/attn_1/norm", _same, "scale"),
        *_affine(rf"{_HALF}\.mid\.attn_1\.(q|k|v|proj_out)", r"\1/mid/attn_1/\2", _conv2d),
        *_affine(rf"{_LEVEL}\.block\.(\d+)\.(norm\d)", r"\1/\2_\3_block_\4/\5", _same, "scale"),
        *_affine(rf"{_LEVEL}\.block\.(\d+)\.(conv\d|nin_shortcut)", r"\1/\2_\3_block_\4/\5", _conv2d),
        *_affine(rf"{_LEVEL}\.attn\.(\d+)\.norm", r"\1/\2_\3_attn_\4/norm", _same, "scale"),
        *_affine(rf"{_LEVEL}\.attn\.(\d+)\.(q|k|v|proj_out)", r"\1/\2_\3_attn_\4/\5", _conv2d),
        *_affine(rf"{_LEVEL}\.(downsample|upsample)\.conv", r"\1/\2_\3_\4", _conv2d),
        *_affine(r"(quant_conv|post_quant_conv)", r"\1", _pointwise),
        Rule(r"quantize\.embedding\.weight", "params/codebook", _same),
    ),
    # The losses of training and the fixed window and mel filters, which our own code computes.
    ignored=(r"loss\..*", r"wav_transforms\..*"),
)

_BLOCK = r"blocks\.(\d+)"

TRANSFORMER = Table(
    prefixes=("transformer.", ""),
    rules=(
        Rule(r"tok_emb\.weight", "params/tok_emb/embedding", _same),
        Rule(r"pos_emb", "params/pos_emb", _without_batch),
        *_affine(r"embedder", "embedder", _pointwise),
        *_affine(rf"{_BLOCK}\.(ln\d)", r"blocks_\1/\2", _same, "scale"),
        *_affine(rf"{_BLOCK}\.attn\.(query|key|value|proj)", r"blocks_\1/attn/\2", _same, "weight"),
        *_affine(rf"{_BLOCK}\.mlp\.0", r"blocks_\1/mlp_in", _same, "weight"),
        *_affine(rf"{_BLOCK}\.mlp\.2", r"blocks_\1/mlp_out", _same, "weight"),
        *_affine(r"ln_f", "ln_f", _same, "scale"),
        Rule(r"head\.weight", "params/head/weight", _same),
    ),
    ignored=(rf"{_BLOCK}\.attn\.mask",),
)

_PLACE = r"layer(\d)\.(\d)"

R2PLUS1D = Table(
    prefixes=("cond_stage_model.model.", "model.", ""),
    rules=(
        Rule(r"stem\.0\.weight", "params/stem/spatial/kernel", _spatial),
        *_batch_norm(r"stem\.1", "stem/spatial_norm"),
        Rule(r"stem\.3\.weight", "params/stem/temporal/kernel", _temporal),
        *_batch_norm(r"stem\.4", "stem/norm"),
        Rule(rf"{_PLACE}\.(conv\d)\.0\.0\.weight", r"params/layer\1_\2/\3/spatial/kernel", _spatial),
        *_batch_norm(rf"{_PLACE}\.(conv\d)\.0\.1", r"layer\1_\2/\3/spatial_norm"),
        Rule(rf"{_PLACE}\.(conv\d)\.0\.3\.weight", r"params/layer\1_\2/\3/temporal/kernel", _temporal),
        *_batch_norm(rf"{_PLACE}\.(conv\d)\.1", r"layer\1_\2/\3/norm"),
        Rule(rf"{_PLACE}\.downsample\.0\.weight", r"params/layer\1_\2/downsample/kernel", _spatial),
        *_batch_norm(rf"{_PLACE}\.downsample\.1", r"layer\1_\2/downsample_norm"),
    ),
    # Batch counters, and the 400-way classifier of the plain Kinetics weights.
    ignored=(r".*\.num_batches_tracked", r"fc\..*"),
)

ALEXNET = Table(
    prefixes=("module.", ""),
    rules=(
        *_affine(r"features\.0", "conv1", _conv2d),
        *_affine(r"features\.3", "conv2", _conv2d),
        *_affine(r"features\.6", "conv3", _conv2d),
        *_affine(r"features\.8", "conv4", _conv2d),
        *_affine(r"features\.10", "conv5", _conv2d),
        *_affine(r"classifier\.1", "full6", _flattened),
        *_affine(r"classifier\.4", "full7", _pointwise),
    ),
    # The 1000-way classifier of ImageNet: what we read is the layer below it.
    ignored=(r"classifier\.6\..*",),
)

VGG19 = Table(
    prefixes=("module.", ""),
    rules=tuple(
        rule
        for number, place in enumerate((0, 2, 5, 7, 10), start=1)
        for rule in _affine(rf"features\.{place}", f"conv{number}", _conv2d)
    ),
    # Later convolutions and the classifier: style transfer looks no further.
    ignored=(r"features\.(1[2-9]|[23]\d)\..*", r"classifier\..*"),
)

TABLES = {"alexnet": ALEXNET, "codebook": CODEBOOK, "transformer": TRANSFORMER, "r2plus1d": R2PLUS1D, "vgg19": VGG19}
"""By the name of the kind of model."""
