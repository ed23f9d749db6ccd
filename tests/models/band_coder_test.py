"""Laws of the coder with one book a band: both ways agree, warm-up passes latents, books start in use."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.band_coder import BandCoder
from vis2sound_jax.tasks.codebook import start_books

NET = BandCoder(n_mels=10, rows=2, frames=4, codes=8, latent=3, width=12, blocks=1)
COLUMNS = 6


@functools.cache
def mel() -> jax.Array:
    return jax.random.uniform(jax.random.key(0), (5, 10, COLUMNS * 4))


@functools.cache
def params() -> Any:
    """Large weights, because the blocks begin as the identity."""
    start = jax.jit(NET.init)(jax.random.key(1), mel())["params"]
    return jax.tree.map(lambda leaf: leaf + 0.3 * jax.random.normal(jax.random.key(leaf.size), leaf.shape), start)


@functools.partial(jax.jit, static_argnames=("method", "quantised"))
def _apply(weights: Any, argument: jax.Array, method: str | None, quantised: bool | None) -> Any:
    options = {} if quantised is None else {"quantised": quantised}
    return NET.apply({"params": weights}, argument, method=method, **options)


def apply(argument: jax.Array, weights: Any = None, method: str | None = None, quantised: bool | None = None) -> Any:
    return _apply(params() if weights is None else weights, argument, method, quantised)


def test_codes_and_back_equal_the_quantised_pass() -> None:
    coded = apply(mel())
    indices = apply(mel(), method="encode")
    assert coded.mel.shape == mel().shape and coded.latents.shape == (5, 2, COLUMNS, 3)
    np.testing.assert_array_equal(indices, coded.indices)
    decoded = apply(indices, method="decode")
    np.testing.assert_allclose(decoded, jnp.clip(coded.mel, 0, 1), atol=1e-5)
    assert decoded.min() >= 0 and decoded.max() <= 1 and coded.loss > 0


def test_every_row_has_its_own_book() -> None:
    own = params()["books"]
    other = {**params(), "books": own.at[1].set(own[1, ::-1])}
    indices, changed = apply(mel(), method="encode"), apply(mel(), method="encode", weights=other)
    np.testing.assert_array_equal(changed[:, 0], indices[:, 0])
    np.testing.assert_array_equal(changed[:, 1], NET.codes - 1 - indices[:, 1])


def test_latents_on_the_books_pass_unchanged() -> None:
    """A book that holds all latents makes the quantised pass the warm-up pass."""
    net = NET.clone(codes=5 * COLUMNS)
    latents = apply(mel(), method="latents")
    books = latents.transpose(1, 0, 2, 3).reshape(2, -1, 3)
    weights = {"params": {**params(), "books": books}}
    quantised, passed = net.apply(weights, mel()), net.apply(weights, mel(), quantised=False)
    np.testing.assert_allclose(quantised.mel, passed.mel, atol=1e-5)
    np.testing.assert_allclose(quantised.loss, 0, atol=1e-6)
    assert passed.loss == 0


def test_warm_up_trains_no_book_and_quantised_training_every_part() -> None:
    def error(weights: Any, quantised: bool) -> jax.Array:
        coded = apply(mel(), weights=weights, quantised=quantised)
        return jnp.mean(jnp.abs(coded.mel - mel())) + coded.loss

    warm, full = (jax.jit(jax.grad(error), static_argnums=1)(params(), quantised) for quantised in (False, True))
    assert not warm["books"].any()
    assert all(leaf.any() for leaf in jax.tree.leaves(full))


def test_columns_reach_their_neighbours_only() -> None:
    changed = mel().at[:, :, :4].set(0.0)
    latents = np.abs(apply(changed, method="latents") - apply(mel(), method="latents")).max(axis=(0, 1, 3))
    assert (latents[:2] > 1e-4).all() and not latents[2:].any()


def test_books_started_on_sound_use_every_code() -> None:
    started = jax.jit(functools.partial(start_books, NET))(params(), mel(), jax.random.key(2))
    indices = np.asarray(apply(mel(), method="encode", weights=started))
    for row in range(NET.rows):
        assert set(indices[:, row].ravel()) == set(range(NET.codes))
    assert apply(mel(), weights=started).perplexity > 0.6 * NET.codes
    others = {name: leaf for name, leaf in started.items() if name != "books"}
    jax.tree.map(np.testing.assert_array_equal, others, {name: params()[name] for name in others})


def test_lengths_between_columns_are_refused() -> None:
    with pytest.raises(UserError, match="a mel of 23 frames does not divide into columns of 4; pad or cut it"):
        apply(mel()[..., :23])
