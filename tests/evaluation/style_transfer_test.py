"""Laws of style transfer: pictures stay pictures, nothing to change changes nothing, the example's style is taken."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.evaluation.style_transfer import StyleTransfer, gram
from vis2sound_jax.models.vgg import VGG19Head

NET = VGG19Head((4, 4, 8, 8, 8))


@pytest.fixture(scope="module")
def params():
    return NET.init(jax.random.key(0), jnp.zeros((1, 16, 16, 3)))["params"]


@pytest.fixture(scope="module")
def mels():
    """A picture of two hits, low in pitch, and one of sustained high bands."""
    content, style = np.zeros((24, 32), np.float32), np.zeros((24, 40), np.float32)
    content[:8, 6:10] = content[:8, 20:24] = 0.8
    style[14:20] = 0.7
    return content, style


def test_a_picture_with_its_own_style_stays(params, mels):
    picture, losses = StyleTransfer(NET, 4)(params, mels[0], mels[0])
    np.testing.assert_allclose(picture, mels[0], atol=1e-3)
    assert losses[0] == pytest.approx(0, abs=1e-4)  # rounding of the weighted correlations


def test_the_style_comes_nearer_and_values_stay_in_range(params, mels):
    content, style = mels
    picture, losses = StyleTransfer(NET, 30)(params, content, style)
    assert losses.shape == (30,) and np.isfinite(losses).all() and losses.min() < 0.5 * losses[0]
    assert picture.shape == content.shape and 0 <= picture.min() and picture.max() <= 1
    grams = [
        gram(NET.apply({"params": params}, jnp.repeat(jnp.asarray(m)[None, ..., None], 3, -1))[-1])
        for m in (content, style, picture)
    ]
    assert np.linalg.norm(grams[2] - grams[1]) < 0.5 * np.linalg.norm(grams[0] - grams[1])


def test_gram_is_the_mean_product_of_channels():
    responses = np.random.default_rng(0).standard_normal((1, 3, 4, 2)).astype(np.float32)
    expected = np.einsum("bhwc,bhwd->cd", responses, responses) / responses.size
    np.testing.assert_allclose(gram(jnp.asarray(responses)), expected, rtol=1e-5)


def test_responses_are_those_of_five_convolutions(params):
    shapes = [found.shape[1:] for found in NET.apply({"params": params}, jnp.zeros((1, 24, 32, 3)))]
    assert shapes == [(24, 32, 4), (24, 32, 4), (12, 16, 8), (12, 16, 8), (6, 8, 8)]
