"""Laws of the onset network on the video network, whose own laws are in r2plus1d_test."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.models.r2plus1d import R2Plus1D
from vis2sound_jax.models.video_onset import VideoOnsetNet


def test_each_frame_has_the_features_of_the_video_network_and_a_logit_of_them() -> None:
    widths = (2, 2, 4, 6)
    model, net = VideoOnsetNet(widths, hidden=3), R2Plus1D(widths)
    rng = np.random.default_rng(0)
    frames = jnp.asarray(rng.standard_normal((2, 3, 16, 16, 3), np.float32))
    shapes = jax.eval_shape(functools.partial(model.init, use_running_average=True), jax.random.key(0), frames)
    drawn = jax.tree.map(lambda s: jnp.asarray(0.3 * np.abs(rng.standard_normal(s.shape, np.float32))), shapes)
    seen = jax.jit(functools.partial(model.apply, use_running_average=True))(drawn, frames)

    inner = {collection: tree["net"] for collection, tree in drawn.items()}
    alone = jax.jit(functools.partial(net.apply, use_running_average=True))(inner, frames)
    np.testing.assert_allclose(seen.features, alone, rtol=1e-5)
    hidden, onset = (drawn["params"][name] for name in ("hidden_layer", "onset_layer"))
    below = jnp.maximum(seen.features @ hidden["kernel"] + hidden["bias"], 0)
    np.testing.assert_allclose(seen.onset, (below @ onset["kernel"] + onset["bias"])[..., 0], rtol=1e-4)


def test_the_paper_size_has_the_released_parameter_count() -> None:
    init = functools.partial(VideoOnsetNet().init, use_running_average=True)
    shapes = jax.eval_shape(init, jax.random.key(0), jnp.zeros((1, 2, 112, 112, 3)))
    counters = 37  # of batches, one a normalisation, which we do not keep
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 31_391_305 - counters
