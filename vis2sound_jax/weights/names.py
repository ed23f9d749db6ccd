"""Where each entry of a released checkpoint goes: tables from reference names to ours, by the kind of model.

A rule reads one reference key and names our collection, our path and the change of layout; see `rules`.
"""

from vis2sound_jax.weights.binaural_names import AUDIO_UNET, RESNET, RESNET_TRUNK
from vis2sound_jax.weights.gan_names import DISCRIMINATOR, MELGAN, PERCEPTUAL, VGGISHISH
from vis2sound_jax.weights.rules import (
    CONV2D,
    LINEAR,
    POINTWISE_1D,
    POINTWISE_2D,
    SAME,
    SPATIAL,
    TEMPORAL,
    WITHOUT_BATCH,
    Rule,
    Table,
    affine,
    batch_norm,
    flattened,
)

_HALF = r"(encoder|decoder)"
_LEVEL = rf"{_HALF}\.(down|up)\.(\d+)"

CODEBOOK = Table(
    prefixes=("first_stage_model.", ""),
    rules=(
        *affine(rf"{_HALF}\.(conv_in|conv_out)", r"\1/\2", CONV2D),
        *affine(rf"{_HALF}\.norm_out", r"\1/norm_out", SAME, "scale"),
        *affine(rf"{_HALF}\.mid\.(block_\d)\.(norm\d)", r"\1/mid/\2/\3", SAME, "scale"),
        *affine(rf"{_HALF}\.mid\.(block_\d)\.(conv\d)", r"\1/mid/\2/\3", CONV2D),
        *affine(rf"{_HALF}\.mid\.attn_1\.norm", r"\1/mid/attn_1/norm", SAME, "scale"),
        *affine(rf"{_HALF}\.mid\.attn_1\.(q|k|v|proj_out)", r"\1/mid/attn_1/\2", CONV2D),
        *affine(rf"{_LEVEL}\.block\.(\d+)\.(norm\d)", r"\1/\2_\3_block_\4/\5", SAME, "scale"),
        *affine(rf"{_LEVEL}\.block\.(\d+)\.(conv\d|nin_shortcut)", r"\1/\2_\3_block_\4/\5", CONV2D),
        *affine(rf"{_LEVEL}\.attn\.(\d+)\.norm", r"\1/\2_\3_attn_\4/norm", SAME, "scale"),
        *affine(rf"{_LEVEL}\.attn\.(\d+)\.(q|k|v|proj_out)", r"\1/\2_\3_attn_\4/\5", CONV2D),
        *affine(rf"{_LEVEL}\.(downsample|upsample)\.conv", r"\1/\2_\3_\4", CONV2D),
        *affine(r"(quant_conv|post_quant_conv)", r"\1", POINTWISE_2D),
        Rule(r"quantize\.embedding\.weight", "params/codebook", SAME),
    ),
    # The losses of training and the fixed window and mel filters, which our own code computes.
    ignored=(r"loss\..*", r"wav_transforms\..*"),
)

_BLOCK = r"blocks\.(\d+)"

TRANSFORMER = Table(
    prefixes=("transformer.", ""),
    rules=(
        Rule(r"tok_emb\.weight", "params/tok_emb/embedding", SAME),
        Rule(r"pos_emb", "params/pos_emb", WITHOUT_BATCH),
        *affine(r"embedder", "embedder", POINTWISE_1D),
        *affine(rf"{_BLOCK}\.(ln\d)", r"blocks_\1/\2", SAME, "scale"),
        *affine(rf"{_BLOCK}\.attn\.(query|key|value|proj)", r"blocks_\1/attn/\2", SAME, "weight"),
        *affine(rf"{_BLOCK}\.mlp\.0", r"blocks_\1/mlp_in", SAME, "weight"),
        *affine(rf"{_BLOCK}\.mlp\.2", r"blocks_\1/mlp_out", SAME, "weight"),
        *affine(r"ln_f", "ln_f", SAME, "scale"),
        Rule(r"head\.weight", "params/head/weight", SAME),
    ),
    ignored=(rf"{_BLOCK}\.attn\.mask",),
)


def _video_net(key: str, path: str) -> tuple[Rule, ...]:
    """The video network, its keys after `key` and its modules below `path`."""
    place = rf"{key}layer(\d)\.(\d)"
    block = rf"{path}layer\1_\2"
    return (
        Rule(rf"{key}stem\.0\.weight", f"params/{path}stem/spatial/kernel", SPATIAL),
        *batch_norm(rf"{key}stem\.1", f"{path}stem/spatial_norm"),
        Rule(rf"{key}stem\.3\.weight", f"params/{path}stem/temporal/kernel", TEMPORAL),
        *batch_norm(rf"{key}stem\.4", f"{path}stem/norm"),
        Rule(rf"{place}\.(conv\d)\.0\.0\.weight", rf"params/{block}/\3/spatial/kernel", SPATIAL),
        *batch_norm(rf"{place}\.(conv\d)\.0\.1", rf"{block}/\3/spatial_norm"),
        Rule(rf"{place}\.(conv\d)\.0\.3\.weight", rf"params/{block}/\3/temporal/kernel", TEMPORAL),
        *batch_norm(rf"{place}\.(conv\d)\.1", rf"{block}/\3/norm"),
        Rule(rf"{place}\.downsample\.0\.weight", rf"params/{block}/downsample/kernel", SPATIAL),
        *batch_norm(rf"{place}\.downsample\.1", rf"{block}/downsample_norm"),
    )


_COUNTERS = r".*\.num_batches_tracked"

R2PLUS1D = Table(
    prefixes=("cond_stage_model.model.", "model.", ""),
    rules=_video_net("", ""),
    # Batch counters, and the 400-way classifier of the plain Kinetics weights.
    ignored=(_COUNTERS, r"fc\..*"),
)

VIDEO_ONSET = Table(
    prefixes=("module.", ""),
    rules=(
        *_video_net(r"net\.model\.", "net/"),
        *affine(r"fc\.0", "hidden_layer", LINEAR),
        *affine(r"fc\.2", "onset_layer", LINEAR),
    ),
    ignored=(_COUNTERS,),
)

ALEXNET = Table(
    prefixes=("module.", ""),
    rules=(
        *affine(r"features\.0", "conv1", CONV2D),
        *affine(r"features\.3", "conv2", CONV2D),
        *affine(r"features\.6", "conv3", CONV2D),
        *affine(r"features\.8", "conv4", CONV2D),
        *affine(r"features\.10", "conv5", CONV2D),
        *affine(r"classifier\.1", "full6", flattened(6, 6)),
        *affine(r"classifier\.4", "full7", LINEAR),
    ),
    # The 1000-way classifier of ImageNet: what we read is the layer below it.
    ignored=(r"classifier\.6\..*",),
)

VGG19 = Table(
    prefixes=("module.", ""),
    rules=tuple(
        rule
        for number, place in enumerate((0, 2, 5, 7, 10), start=1)
        for rule in affine(rf"features\.{place}", f"conv{number}", CONV2D)
    ),
    # Later convolutions and the classifier: style transfer looks no further.
    ignored=(r"features\.(1[2-9]|[23]\d)\..*", r"classifier\..*"),
)

TABLES = {
    "alexnet": ALEXNET,
    "audio_unet": AUDIO_UNET,
    "codebook": CODEBOOK,
    "discriminator": DISCRIMINATOR,
    "melgan": MELGAN,
    "perceptual": PERCEPTUAL,
    "r2plus1d": R2PLUS1D,
    "resnet": RESNET,
    "resnet_trunk": RESNET_TRUNK,
    "transformer": TRANSFORMER,
    "vgg19": VGG19,
    "vggishish": VGGISHISH,
    "video_onset": VIDEO_ONSET,
}
"""By the name of the kind of model."""
