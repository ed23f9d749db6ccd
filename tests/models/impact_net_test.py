"""Laws of the video encoder: only motion matters, each frame sees its own neighbourhood in time."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.impact_net import ImpactNet

NET = ImpactNet(widths=(4, 8), width=6, dilations=(1,), bands=3)
T, HEIGHT, WIDTH = 24, 12, 20
# One frame enters two differences; the cells and the levels' end reach 1 frame more each, the block 2.
BEFORE, AFTER = 4, 5


@functools.cache
def film() -> jax.Array:
    """Noise in which frame 11 lies between two equal frames."""
    frames = jax.random.uniform(jax.random.key(0), (2, T, HEIGHT, WIDTH), minval=0.2, maxval=0.6)
    return frames.at[:, 12].set(frames[:, 10])


@functools.cache
def variables() -> dict[str, Any]:
    return jax.jit(NET.init)(jax.random.key(1), film())


see = jax.jit(NET.apply)


def test_every_frame_gets_a_feature_an_onset_and_bands() -> None:
    seen = see(variables(), film())
    assert (seen.features.shape, seen.onset.shape, seen.bands.shape) == ((2, T, 6), (2, T), (2, T, 3))
    assert (seen.features >= 0).all()


def test_a_frame_matters_only_to_its_neighbours_in_time() -> None:
    k = 11
    # Reflected about its two equal neighbours the frame moves as much as before: the clip's contrast stays.
    other = film().at[:, k].set(2 * film()[:, k - 1] - film()[:, k])
    change = np.abs(see(variables(), other).onset - see(variables(), film()).onset).max(axis=0)
    inside = slice(k - BEFORE, k + AFTER + 1)
    assert change[inside].min() > 1e-4
    change[inside] = 0
    assert change.max() < 1e-5


@pytest.mark.parametrize("changed", ["brighter", "whole clip again"])
def test_light_and_the_rest_of_the_batch_do_not_matter(changed: str) -> None:
    frames = film() + 0.3 if changed == "brighter" else film()[::-1]
    seen, expected = see(variables(), frames), see(variables(), film())
    onset = seen.onset if changed == "brighter" else seen.onset[::-1]
    np.testing.assert_allclose(onset, expected.onset, atol=1e-4)


def test_mirrored_film_is_another_film_of_the_same_kind() -> None:
    """The network is not symmetric: whoever wants that averages both views, as `Watcher` does."""
    there, back = (see(variables(), film()[..., ::step]) for step in (1, -1))
    assert np.abs(there.onset - back.onset).max() > 1e-4
    np.testing.assert_array_equal(see(variables(), film()[..., ::-1][..., ::-1]).onset, there.onset)


def test_dropout_acts_in_training_alone_and_on_whole_clips() -> None:
    net = NET.clone(dropout=0.5, dilations=(), widths=(4,))
    weights = net.init(jax.random.key(1), film())
    swinging = jnp.tile(film()[:, :2], (1, T // 2, 1, 1))
    train = jax.jit(lambda key: net.apply(weights, swinging, train=True, rngs={"dropout": key}).features)
    first, second = train(jax.random.key(0)), train(jax.random.key(1))
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_allclose(first[:, 8:-4], first[:, 6:-6], atol=1e-4)


def test_odd_sizes_are_refused() -> None:
    with pytest.raises(UserError, match="frames are 12 x 18; the encoder needs multiples of 4 pixels"):
        NET.apply(variables(), jnp.zeros((1, 2, 12, 18)))
