"""Tables of what looks and listens for 2.5D Visual Sound: its two released files, and torchvision's residual networks.

A pair of released files is `visual_*.pth` (kind `resnet_trunk`) and `audio_*.pth` (kind `audio_unet`).
"""

from vis2sound_jax.weights.rules import CONV2D, Rule, Table, affine, batch_norm

_COUNTERS = r".*\.num_batches_tracked"


def _stem(conv: str, norm: str) -> tuple[Rule, ...]:
    return (Rule(rf"{conv}\.weight", "params/conv1/kernel", CONV2D), *batch_norm(norm, "bn1"))


def _level(key: str, level: str) -> tuple[Rule, ...]:
    """One level of blocks, its keys below `key` and its modules called `level` and a number."""
    block, path = rf"{key}\.(\d+)", rf"{level}_\1"
    return (
        Rule(rf"{block}\.(conv\d)\.weight", rf"params/{path}/\2/kernel", CONV2D),
        *batch_norm(rf"{block}\.(bn\d)", rf"{path}/\2"),
        Rule(rf"{block}\.downsample\.0\.weight", rf"params/{path}/downsample_0/kernel", CONV2D),
        *batch_norm(rf"{block}\.downsample\.1", rf"{path}/downsample_1"),
    )


def _levels(keys: tuple[str, ...]) -> tuple[Rule, ...]:
    return tuple(rule for i, key in enumerate(keys, start=1) for rule in _level(key, f"layer{i}"))


RESNET = Table(
    prefixes=("module.", ""),
    rules=(*_stem("conv1", "bn1"), *_levels(("layer1", "layer2", "layer3", "layer4"))),
    # The classifier: what is read is the map before it.
    ignored=(_COUNTERS, r"fc\..*"),
)

_TRUNK = r"feature_extraction\."

RESNET_TRUNK = Table(
    prefixes=("module.", ""),
    rules=(*_stem(f"{_TRUNK}0", f"{_TRUNK}1"), *_levels(tuple(f"{_TRUNK}{place}" for place in range(4, 8)))),
    ignored=(_COUNTERS,),
)

AUDIO_UNET = Table(
    prefixes=("module.", ""),
    rules=(
        *affine(r"conv1x1\.0", "reduce/conv", CONV2D),
        *batch_norm(r"conv1x1\.1", "reduce/norm"),
        *affine(r"audionet_convlayer(\d+)\.0", r"down_\1/conv", CONV2D),
        *batch_norm(r"audionet_convlayer(\d+)\.1", r"down_\1/norm"),
        # Transposed convolutions are [in, out, h, w], and ours [h, w, out, in].
        *affine(r"audionet_upconvlayer(\d+)\.0", r"up_\1/conv", CONV2D),
        *batch_norm(r"audionet_upconvlayer(\d+)\.1", r"up_\1/norm"),
    ),
    ignored=(_COUNTERS,),
)
