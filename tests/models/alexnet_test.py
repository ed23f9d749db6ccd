"""Laws of AlexNet: torch's convolution, flatten order and bins; pool5 computed ahead; batch statistics."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.alexnet import AlexNet, adaptive_mean
from vis2sound_jax.weights.convert import params_from_state_dict
from vis2sound_jax.weights.sizes import sizes_from_state_dict

WIDTHS, HIDDEN = (2, 3, 4, 3, 2), 5
CONVOLUTIONS = {0: (2, 3, 11), 3: (3, 2, 5), 6: (4, 3, 3), 8: (3, 4, 3), 10: (2, 3, 3)}
MODEL = AlexNet(WIDTHS, HIDDEN)
IMAGES = jnp.asarray(np.random.default_rng(3).standard_normal((2, 64, 70, 3), np.float32))


@functools.cache
def state_dict() -> dict[str, np.ndarray]:
    """Weights as torchvision names and lays them out, the classifier of ImageNet among them."""
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        f"features.{n}.weight": (o, i, size, size) for n, (o, i, size) in CONVOLUTIONS.items()
    }
    full = {1: (HIDDEN, 36 * WIDTHS[-1]), 4: (HIDDEN, HIDDEN), 6: (10, HIDDEN)}
    shapes |= {f"classifier.{n}.weight": shape for n, shape in full.items()}
    shapes |= {name.replace("weight", "bias"): shape[:1] for name, shape in shapes.items()}
    return {name: 0.3 * rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def shapes_of(model: AlexNet) -> Any:
    return jax.eval_shape(model.init, jax.random.key(0), IMAGES)


@functools.cache
def variables() -> dict[str, Any]:
    return params_from_state_dict(state_dict(), "alexnet", shapes_of(MODEL))


def test_a_file_tells_its_sizes() -> None:
    assert sizes_from_state_dict(state_dict(), "alexnet") == {"widths": WIDTHS, "hidden": HIDDEN}


def test_the_released_size_has_the_released_parameter_count() -> None:
    params = shapes_of(AlexNet())["params"]
    imagenet_head = 4096 * 1000 + 1000
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 61_100_840 - imagenet_head


def test_the_first_convolution_is_torchs() -> None:
    sd, image = state_dict(), np.asarray(IMAGES[0]).transpose(2, 0, 1)
    padded = np.pad(image, ((0, 0), (2, 2), (2, 2)))
    dense = [correlate(padded, kernel, mode="valid")[0] for kernel in sd["features.0.weight"]]
    expected = np.stack(dense)[:, ::4, ::4] + sd["features.0.bias"][:, None, None]
    ours = MODEL.apply(variables(), IMAGES, method=lambda model, x: model.conv1(x))
    np.testing.assert_allclose(ours[0].transpose(2, 0, 1), expected, atol=2e-5)


@pytest.mark.parametrize(("row", "column", "channel"), [(0, 0, 1), (5, 0, 0), (2, 4, 1)])
def test_each_place_of_pool5_meets_its_column_of_torchs_matrix(row: int, column: int, channel: int) -> None:
    sd = state_dict()
    pool5 = np.zeros((1, 6, 6, WIDTHS[-1]), np.float32)
    pool5[0, row, column, channel] = 2.0
    below = 2 * sd["classifier.1.weight"][:, channel * 36 + row * 6 + column] + sd["classifier.1.bias"]
    expected = np.maximum(sd["classifier.4.weight"] @ np.maximum(below, 0) + sd["classifier.4.bias"], 0)
    np.testing.assert_allclose(MODEL.apply(variables(), pool5, method="fc7")[0], expected, atol=1e-6)


def test_pool5_may_be_computed_ahead() -> None:
    pool5 = jax.jit(functools.partial(MODEL.apply, method="pool5"))(variables(), IMAGES)
    assert pool5.shape == (2, 6, 6, WIDTHS[-1])
    whole = jax.jit(MODEL.apply)(variables(), IMAGES)
    np.testing.assert_allclose(MODEL.apply(variables(), pool5, method="fc7"), whole, atol=1e-5)


def test_the_usual_image_sizes_need_no_averaging() -> None:
    x = np.random.default_rng(1).standard_normal((2, 6, 6, 3))
    assert adaptive_mean(x) is x


@pytest.mark.parametrize(
    ("n", "bins"),
    [
        (7, [(0, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)]),
        (4, [(0, 1), (0, 2), (1, 2), (2, 3), (2, 4), (3, 4)]),
        (15, [(0, 3), (2, 5), (5, 8), (7, 10), (10, 13), (12, 15)]),
        (1, [(0, 1)] * 6),
    ],
)
def test_bins_are_torchs(n: int, bins: list[tuple[int, int]]) -> None:
    x = np.random.default_rng(1).standard_normal((1, n, 12, 2)).astype(np.float32)
    expected = np.stack([x[:, a:b].mean(1) for a, b in bins], 1).reshape(1, 6, 6, 2, 2).mean(3)
    np.testing.assert_allclose(adaptive_mean(jnp.asarray(x)), expected, atol=1e-6)
    np.testing.assert_allclose(adaptive_mean(jnp.asarray(x.swapaxes(1, 2))), expected.swapaxes(1, 2), atol=1e-6)


def test_from_scratch_batch_statistics_are_used_and_kept() -> None:
    model = AlexNet(WIDTHS, HIDDEN, batch_norm=True)
    rng = np.random.default_rng(2)
    start = jax.tree.map(lambda s: 0.3 * rng.standard_normal(s.shape, np.float32), shapes_of(model))
    assert set(start["params"]["conv1"]) == {"kernel"}
    assert len(start["batch_stats"]) == 7
    start["batch_stats"] = jax.tree.map(np.ones_like, start["batch_stats"])
    train = jax.jit(functools.partial(model.apply, train=True, mutable=["batch_stats"]))
    features, updates = train(start, IMAGES)
    # Normalised by the batch, the contrast of the images is lost; stored statistics let it through.
    np.testing.assert_allclose(train(start, 3 * IMAGES)[0], features, atol=1e-2)
    changed = jax.tree.map(lambda a, b: bool((a != b).any()), start["batch_stats"], dict(updates["batch_stats"]))
    assert all(jax.tree.leaves(changed))
    look = jax.jit(model.apply)
    np.testing.assert_array_equal(look(start, IMAGES.at[1].mul(3.0))[0], look(start, IMAGES)[0])


def test_images_too_small_are_refused() -> None:
    with pytest.raises(UserError, match="62 x 70; AlexNet needs at least 63 pixels"):
        jax.eval_shape(MODEL.init, jax.random.key(0), IMAGES[:, :62])
