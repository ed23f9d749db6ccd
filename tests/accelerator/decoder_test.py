"""Laws of the decoder's bound: what is read each step is counted, and rates follow from it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.accelerator.decoder import CODES, FRAMES, KNOWN, decoder_cases, in_type, read_bytes
from vis2sound_jax.accelerator.device import Limits
from vis2sound_jax.accelerator.drawn import drawn_like
from vis2sound_jax.accelerator.timing import SMALL
from vis2sound_jax.models.transformer import Transformer
from vis2sound_jax.planning.chips import CHIPS

NET = Transformer(vocab=11, layers=2, heads=2, width=8)


def drawn() -> dict[str, dict[str, object]]:
    known, prefix = np.zeros((1, KNOWN), np.int32), np.zeros((1, FRAMES, 5), np.float32)
    shapes = jax.eval_shape(NET.init, jax.random.key(0), known, prefix=prefix)
    return drawn_like(shapes)


def test_a_step_reads_blocks_head_and_cache_and_no_embeddings() -> None:
    variables, known = drawn(), np.zeros((1, KNOWN), np.int32)
    _, cache = NET.apply(variables, known, takes=3, room=CODES, method="prefill")
    block = 12 * 8 * 8 + (4 + 4 + 1) * 8 + 4 * 8  # six matrices, their biases, two normalisations
    weights = 2 * block + 2 * 8 + 11 * 8
    assert read_bytes(variables, cache) == 4 * (weights + 2 * 2 * 8 * (KNOWN + 3 * CODES))


def test_matrices_of_blocks_alone_are_stored_in_the_smaller_type() -> None:
    half = in_type(drawn(), jnp.bfloat16)["params"]
    assert (
        half["blocks_1"]["attn"]["query"]["weight"].dtype == half["blocks_0"]["mlp_in"]["weight"].dtype == jnp.bfloat16
    )
    kept = (half["blocks_0"]["ln1"]["scale"], half["blocks_0"]["mlp_in"]["bias"], half["head"]["weight"])
    assert {leaf.dtype for leaf in (*kept, half["tok_emb"]["embedding"])} == {np.dtype("float32")}


def test_rates_are_held_against_the_memory() -> None:
    limits = Limits(jax.devices("cpu")[0], SMALL)
    limits.known = CHIPS["l4"]
    cases = decoder_cases(limits)
    assert [case.name for case in cases] == [
        *("1 take, float32", "16 takes, float32", "1 take, bfloat16", "16 takes, bfloat16"),
    ]
    row = cases[1].run()
    assert row["codes_s"] > 0 and row["share"] == pytest.approx(row["codes_s"] / row["bound_codes_s"])
    assert row["bound_codes_s"] == pytest.approx(16 * 300 / row["step_gb"]) and "share_of_copy" not in row
