"""Laws of the transformer's inputs: each token sits with the film of the next one; hiding hides all and only that."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.conditioning import hide, sequence_inputs

N, MASK = 4, 99


@pytest.fixture
def batch() -> dict[str, Any]:
    """Tokens 0 to 7 in order; the video feature of token i is i + 0.5."""
    tokens = np.tile(np.arange(2 * N, dtype=np.int32), (3, 1))
    video = (tokens + 0.5)[..., None].astype(np.float32)
    return {
        "condition": tokens[:, :N],
        "target": tokens[:, N:],
        "condition_video": video[:, :N],
        "target_video": video[:, N:],
        "style": np.ones((3, 2), np.float32),
    }


def test_a_position_holds_the_feature_of_the_token_it_predicts(batch: dict[str, Any]) -> None:
    inputs = sequence_inputs(batch, prefix=False)
    np.testing.assert_array_equal(inputs["tokens"][0], np.arange(2 * N - 1))
    np.testing.assert_array_equal(inputs["aligned"][0, :, 0], inputs["tokens"][0] + 1.5)
    np.testing.assert_array_equal(inputs["style"], batch["style"])
    assert set(inputs) == {"tokens", "aligned", "style"}


def test_the_papers_prefix_holds_both_films_before_the_same_tokens(batch: dict[str, Any]) -> None:
    inputs = sequence_inputs(batch, prefix=True)
    np.testing.assert_array_equal(inputs["tokens"], sequence_inputs(batch, prefix=False)["tokens"])
    np.testing.assert_array_equal(inputs["prefix"][0, :, 0], np.arange(2 * N) + 0.5)
    assert set(inputs) == {"tokens", "prefix"}


@pytest.mark.parametrize("film", [False, True])
def test_hidden_examples_lose_the_condition_and_others_nothing(batch: dict[str, Any], film: bool) -> None:
    hidden = hide(batch, jnp.array([True, False, True]), mask_token=MASK, film=film)
    for name, value in batch.items():
        np.testing.assert_array_equal(hidden[name][1], value[1])
    for row in (0, 2):
        assert (hidden["condition"][row] == MASK).all()
        assert not hidden["condition_video"][row].any() and not hidden["style"][row].any()
        np.testing.assert_array_equal(hidden["target"][row], batch["target"][row])
        np.testing.assert_array_equal(hidden["target_video"][row], 0 if film else batch["target_video"][row])
    assert {name: value.dtype for name, value in hidden.items()} == {name: v.dtype for name, v in batch.items()}


def test_hiding_changes_no_input_and_needs_no_style(batch: dict[str, Any]) -> None:
    del batch["style"]
    before = {name: value.copy() for name, value in batch.items()}
    hidden = hide(batch, jnp.ones(3, bool), mask_token=MASK, film=True)
    assert set(hidden) == set(batch)
    for name, value in before.items():
        np.testing.assert_array_equal(batch[name], value)
