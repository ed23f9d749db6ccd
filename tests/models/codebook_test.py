"""Laws of vector quantisation and k-means."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.codebook import LEGACY_WEIGHTS, kmeans, nearest_code, perplexity, quantise


@pytest.fixture
def z_and_codebook() -> tuple[jax.Array, jax.Array]:
    return jax.random.normal(jax.random.key(0), (3, 4, 5)), jax.random.normal(jax.random.key(1), (16, 5))


def test_nearest_code_is_the_nearest(z_and_codebook: tuple[jax.Array, jax.Array]) -> None:
    z, codebook = z_and_codebook
    distances = np.linalg.norm(np.asarray(z)[..., None, :] - np.asarray(codebook), axis=-1)
    np.testing.assert_array_equal(nearest_code(z, codebook), distances.argmin(-1))


def test_codes_quantise_to_themselves(z_and_codebook: tuple[jax.Array, jax.Array]) -> None:
    _, codebook = z_and_codebook
    found = quantise(codebook, codebook)
    np.testing.assert_array_equal(found.indices, np.arange(16))
    np.testing.assert_allclose(sum(found.losses.values()), 0.0, atol=1e-12)
    np.testing.assert_allclose(found.perplexity, 16.0, rtol=1e-5)


def test_gradient_passes_straight_through(z_and_codebook: tuple[jax.Array, jax.Array]) -> None:
    z, codebook = z_and_codebook
    weight = jax.random.normal(jax.random.key(2), z.shape)
    gradient = jax.grad(lambda z, c: jnp.sum(weight * quantise(z, c).quantised), (0, 1))(z, codebook)
    np.testing.assert_array_equal(gradient[0], weight)
    np.testing.assert_array_equal(gradient[1], 0.0)


@pytest.mark.parametrize(
    ("weights", "commitment", "codebook_term"),
    [({}, 0.25, 1.0), (LEGACY_WEIGHTS, 1.0, 0.25)],
    ids=["corrected", "legacy"],
)
def test_each_loss_moves_its_own_side(
    z_and_codebook: tuple[jax.Array, jax.Array],
    weights: dict[str, float],
    commitment: float,
    codebook_term: float,
) -> None:
    z, codebook = z_and_codebook
    losses = lambda z, c: quantise(z, c, **weights).losses  # noqa: E731
    to_z = jax.grad(lambda z: sum(losses(z, codebook).values()))(z)
    error = z - codebook[nearest_code(z, codebook)]
    np.testing.assert_allclose(to_z, commitment * 2 * error / z.size, rtol=1e-4, atol=1e-8)
    to_codes = jax.grad(lambda c: losses(z, c)["commitment"])(codebook)
    np.testing.assert_array_equal(to_codes, 0.0)
    np.testing.assert_allclose(losses(z, codebook)["codebook"], codebook_term * jnp.mean(error**2), rtol=1e-5)


def test_perplexity_is_one_for_one_code() -> None:
    np.testing.assert_allclose(perplexity(jnp.full((4, 3), 7), 16), 1.0, rtol=1e-5)


def test_kmeans_finds_separated_clusters_and_leaves_no_code_unused() -> None:
    centres = 10.0 * jnp.eye(6)
    noise = 0.1 * jax.random.normal(jax.random.key(0), (20, 6, 6))
    x = (centres + noise).reshape(-1, 6)
    codes = kmeans(jax.random.key(1), x, 6, iterations=5)
    np.testing.assert_array_equal(np.sort(np.argmax(codes, axis=1)), np.arange(6))
    means = (centres + noise.mean(0))[np.argmax(codes, axis=1)]
    np.testing.assert_allclose(codes, means, atol=1e-4)
    many = kmeans(jax.random.key(2), x, 100, iterations=5)
    assert len(np.unique(nearest_code(x, many))) == 100


def test_kmeans_does_not_get_worse_with_iterations() -> None:
    x = jax.random.normal(jax.random.key(0), (200, 4))
    error = [jnp.mean((x - codes[nearest_code(x, codes)]) ** 2) for codes in _runs(x, (0, 2, 10))]
    assert error[0] > error[1] > error[2]


def _runs(x: jax.Array, rounds: tuple[int, ...]) -> list[jax.Array]:
    return [kmeans(jax.random.key(3), x, 8, iterations=n) for n in rounds]


def test_kmeans_under_vmap_equals_one_by_one() -> None:
    x = jax.random.normal(jax.random.key(0), (3, 40, 2))
    keys = jax.random.split(jax.random.key(1), 3)
    together = jax.vmap(lambda key, x: kmeans(key, x, 5, iterations=4))(keys, x)
    apart = jnp.stack([kmeans(key, band, 5, iterations=4) for key, band in zip(keys, x, strict=True)])
    np.testing.assert_allclose(together, apart, atol=1e-5)


def test_kmeans_of_too_few_vectors_is_refused() -> None:
    with pytest.raises(UserError, match="8 codes got 5 vectors"):
        kmeans(jax.random.key(0), jnp.zeros((5, 2)), 8)


def test_kmeans_goes_on_from_codes_and_leaves_those_that_nothing_chooses() -> None:
    x = jnp.array([[0.0, 0.0], [0.2, 0.0], [5.0, 5.0]])
    start = jnp.array([[0.5, 0.5], [4.0, 4.0], [-9.0, 9.0]])
    found = kmeans(jax.random.key(0), x, 3, iterations=3, start=start)
    np.testing.assert_allclose(found, [[0.1, 0.0], [5.0, 5.0], [-9.0, 9.0]], atol=1e-6)
