"""Laws of the residual network; the numbers of ResNet-18 are tested in binaural_golden_test."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.resnet import ResNet, pooled
from vis2sound_jax.weights.convert import params_from_state_dict, state_dict_from_params

STORED = {"use_running_average": True}
SMALL = ResNet(blocks=(1, 1, 1, 1), widths=(2, 3, 4, 5))
RESNET_50 = ResNet(blocks=(3, 4, 6, 3), bottleneck=True)


def shapes(net: ResNet, height: int, width: int) -> Any:
    init = functools.partial(net.init, use_running_average=True)
    return jax.eval_shape(init, jax.random.key(0), jnp.zeros((1, height, width, 3)))


def size(tree: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def test_parameters_are_as_many_as_torchvision_has_without_the_classifier() -> None:
    assert size(shapes(ResNet(), 32, 32)["params"]) == 11_176_512
    assert size(shapes(RESNET_50, 32, 32)["params"]) == 25_557_032 - 2_049_000


@pytest.mark.parametrize(("net", "channels"), [(ResNet(), 512), (RESNET_50, 2048)])
def test_the_map_keeps_7_x_14_places(net: ResNet, channels: int) -> None:
    image = jnp.zeros((2, 224, 448, 3))
    seen = jax.eval_shape(functools.partial(net.apply, use_running_average=True), shapes(net, 224, 448), image)
    assert seen.shape == (2, 7, 14, channels)


def test_what_moves_by_32_pixels_moves_by_one_place_and_the_mean_forgets_where() -> None:
    rng = np.random.default_rng(0)
    variables = jax.jit(functools.partial(SMALL.init, **STORED))(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    image = np.zeros((1, 32, 32 * 12, 3), np.float32)
    image[:, 8:24, 32 * 5 + 8 : 32 * 5 + 24] = rng.standard_normal((16, 16, 3))
    run = jax.jit(functools.partial(SMALL.apply, **STORED))
    here, there = run(variables, image), run(variables, np.roll(image, 32, axis=2))
    # Borders are another thing: what is compared lies away from them.
    np.testing.assert_allclose(there[:, :, 5:9], here[:, :, 4:8], atol=1e-5)
    assert float(jnp.abs(there[:, :, 5:9] - here[:, :, 5:9]).max()) > 1e-3
    np.testing.assert_allclose(pooled(there), pooled(np.roll(np.asarray(there), 3, axis=2)), atol=1e-5)


def test_statistics_move_in_training_only() -> None:
    variables = jax.jit(functools.partial(SMALL.init, **STORED))(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    image = jax.random.normal(jax.random.key(1), (2, 32, 64, 3))
    run = functools.partial(SMALL.apply, mutable=["batch_stats"])
    _, kept = run(variables, image, use_running_average=True)
    _, moved = run(variables, image, use_running_average=False)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), kept["batch_stats"], variables["batch_stats"]))
    assert float(jnp.abs(moved["batch_stats"]["layer4_0"]["bn2"]["mean"]).max()) > 0


def test_torchvision_names_of_resnet_50_convert_at_full_size() -> None:
    """A made-up state dict with the names that torchvision writes."""
    wanted = shapes(RESNET_50, 32, 32)
    zeros = jax.tree.map(lambda leaf: np.broadcast_to(np.float32(0), leaf.shape), wanted)
    theirs = state_dict_from_params(zeros, "resnet")
    for name in ("conv1.weight", "bn1.running_var", "layer1.0.downsample.1.bias", "layer4.2.conv3.weight"):
        assert name in theirs
    assert theirs["layer4.0.downsample.0.weight"].shape == (2048, 1024, 1, 1)
    extra = {"fc.weight": np.zeros((1000, 2048), np.float32), "bn1.num_batches_tracked": np.int64(3)}
    back = params_from_state_dict({**theirs, **extra}, "resnet", wanted)
    assert jax.tree.structure(back) == jax.tree.structure(wanted)
