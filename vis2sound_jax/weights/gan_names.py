"""Tables of what trains or judges sounds: the vocoder, the discriminator of log-mels, VGGish-ish and LPAPS."""

from vis2sound_jax.weights.rules import (
    BANDS,
    CHANNELS,
    CONV2D,
    LENGTHS,
    LINEAR,
    REVERSED,
    SAME,
    Rule,
    Table,
    affine,
    batch_norm,
    flattened,
)


def _normed(pattern: str, path: str) -> tuple[Rule, ...]:
    """A convolution with weight normalisation, transposed or not."""
    return (
        Rule(rf"{pattern}\.weight_v", f"params/{path}/weight_v", REVERSED),
        Rule(rf"{pattern}\.weight_g", f"params/{path}/weight_g", LENGTHS),
        Rule(rf"{pattern}\.bias", f"params/{path}/bias", SAME),
    )


MELGAN = Table(
    prefixes=("module.", ""),
    rules=(
        *_normed(r"model\.(\d+)", r"layer_\1"),
        *_normed(r"model\.(\d+)\.block\.2", r"layer_\1/dilated"),
        *_normed(r"model\.(\d+)\.block\.4", r"layer_\1/mix"),
        *_normed(r"model\.(\d+)\.shortcut", r"layer_\1/shortcut"),
    ),
)

_MOST_LAYERS = 6

DISCRIMINATOR = Table(
    prefixes=("loss.discriminator.", "discriminator.", ""),
    # A layer is a convolution, a normalisation and an activation; the first has no normalisation.
    rules=(
        *affine(r"main\.0", "conv_0", CONV2D),
        *(rule for i in range(1, _MOST_LAYERS) for rule in affine(rf"main\.{3 * i - 1}", f"conv_{i}", CONV2D)),
        *(rule for i in range(1, _MOST_LAYERS) for rule in batch_norm(rf"main\.{3 * i}", f"norm_{i}")),
    ),
    ignored=(r".*\.num_batches_tracked",),
)

VGG_PLACES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
"""Of each level's convolutions in the sequence of convolutions, activations and poolings."""

_VGG = [
    (level, place, f"features/conv{level}_{i}")
    for level, places in enumerate(VGG_PLACES, start=1)
    for i, place in enumerate(places, start=1)
]

VGGISHISH = Table(
    prefixes=("module.", ""),
    rules=(
        *(rule for _, place, path in _VGG for rule in affine(rf"features\.{place}", path, CONV2D)),
        *affine(r"classifier\.0", "full1", flattened(5, 10)),
        *affine(r"classifier\.2", "full2", LINEAR),
        *affine(r"classifier\.4", "head", LINEAR),
    ),
)

PERCEPTUAL = Table(
    prefixes=("loss.perceptual_loss.", "perceptual_loss.", ""),
    rules=(
        Rule(r"scaling_layer\.(shift|scale)", r"constants/\1", BANDS),
        *(rule for level, place, path in _VGG for rule in affine(rf"net\.slice{level}\.{place}", path, CONV2D)),
        Rule(r"lin(\d)\.model\.1\.weight", r"params/weight_\1", CHANNELS),
    ),
)
