"""Laws of the conversion of released weights; that converted weights compute the same is in golden_test."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.transformer import Transformer
from vis2sound_jax.weights.convert import params_from_state_dict, place
from vis2sound_jax.weights.sizes import sizes_from_state_dict

WIDTH = 4


def state_dict() -> dict[str, np.ndarray]:
    """A transformer of one layer as the reference names it, inside a file with other models."""
    linear: dict[str, tuple[int, ...]] = {
        "attn.key": (4, 4),
        "attn.query": (4, 4),
        "attn.value": (4, 4),
        "attn.proj": (4, 4),
    }
    linear |= {"mlp.0": (16, 4), "mlp.2": (4, 16), "ln1": (4,), "ln2": (4,)}
    shapes: dict[str, tuple[int, ...]] = {
        "tok_emb.weight": (7, 4),
        "pos_emb": (1, 9, 4),
        "head.weight": (7, 4),
    }
    shapes |= {"embedder.weight": (4, 3, 1), "embedder.bias": (4,), "ln_f.weight": (4,), "ln_f.bias": (4,)}
    for name, shape in linear.items():
        shapes |= {f"blocks.0.{name}.weight": shape, f"blocks.0.{name}.bias": shape[:1]}
    rng = np.random.default_rng(0)
    part = {f"transformer.{name}": rng.standard_normal(shape) for name, shape in shapes.items()}
    part["transformer.blocks.0.attn.mask"] = np.tril(np.ones((1, 1, 9, 9)))
    return part | {"first_stage_model.quantize.embedding.weight": np.zeros((7, 2))}


def expected() -> dict[str, Any]:
    model = Transformer(**(sizes_from_state_dict(state_dict(), "transformer") | {"heads": 2}))
    tokens, prefix = jnp.zeros((1, 2), jnp.int32), jnp.zeros((1, 2, 3))
    return jax.eval_shape(lambda: model.init(jax.random.key(0), tokens, prefix=prefix))


def test_sizes_are_read_from_shapes() -> None:
    sizes = sizes_from_state_dict(state_dict(), "transformer")
    assert sizes == {"vocab": 7, "slots": 9, "layers": 1, "width": WIDTH}


def test_a_fitting_file_fills_the_model_exactly() -> None:
    wanted = expected()
    converted = params_from_state_dict(state_dict(), "transformer", wanted)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), converted) == jax.tree.map(lambda x: (x.shape, x.dtype), wanted)
    kernel = state_dict()["transformer.embedder.weight"][:, :, 0].T
    np.testing.assert_array_equal(converted["params"]["embedder"]["kernel"], kernel.astype(np.float32))


def test_every_misfit_is_named_in_one_error() -> None:
    broken = state_dict()
    del broken["transformer.ln_f.bias"]
    broken["transformer.blocks.1.ln1.bias"] = np.zeros(4)
    broken["transformer.surprise"] = np.zeros(1)
    broken["transformer.head.weight"] = np.zeros((8, 4))
    broken["transformer.embedder.weight"] = np.zeros((4, 3, 5))
    with pytest.raises(UserError) as caught:
        params_from_state_dict(broken, "transformer", expected())
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "missing params/ln_f/bias",
        "extra blocks.1.ln1.bias",
        "extra surprise",
        "misshapen head.weight (params/head/weight is (7, 4) in the model, (8, 4) here)",
        "misshapen embedder.weight",
    ):
        assert part in message


def test_a_file_of_another_model_and_an_unknown_kind_are_refused() -> None:
    with pytest.raises(UserError, match="no transformer model: tok_emb.weight is missing"):
        sizes_from_state_dict({"foo": np.zeros(1)}, "transformer")
    with pytest.raises(UserError, match="kind 'gan'; choose one of alexnet, audio_unet, codebook, disc.*, video_onset"):
        params_from_state_dict({}, "gan", {})


@pytest.mark.parametrize(
    ("name", "kind", "shape", "path", "our_shape"),
    [
        ("encoder.conv_in.weight", "codebook", (8, 1, 3, 3), "encoder/conv_in/kernel", (3, 3, 1, 8)),
        ("decoder.up.4.block.2.norm1.bias", "codebook", (8,), "decoder/up_4_block_2/norm1/bias", (8,)),
        ("quant_conv.weight", "codebook", (6, 4, 1, 1), "quant_conv/kernel", (4, 6)),
        ("stem.0.weight", "r2plus1d", (5, 3, 1, 7, 7), "stem/spatial/kernel", (7, 7, 3, 5)),
        ("features.5.weight", "vgg19", (8, 4, 3, 3), "conv3/kernel", (3, 3, 4, 8)),
        ("stem.3.weight", "r2plus1d", (8, 5, 3, 1, 1), "stem/temporal/kernel", (3, 1, 5, 8)),
    ],
)
def test_layouts(name: str, kind: str, shape: tuple[int, ...], path: str, our_shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    our_path, ours = place(name, values, kind)
    assert (our_path, ours.shape) == (f"params/{path}", our_shape)
    assert ours[(0,) * (ours.ndim - 1) + (-1,)] == values[-1].reshape(-1)[0]
