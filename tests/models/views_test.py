"""Laws of altered views: what Pillow draws, alike on every device, by one program whatever is drawn."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from PIL import Image

from vis2sound_jax.models import views
from vis2sound_jax.models.views import COLOUR_NUMBERS, GREY_NUMBERS, colour_views, grey_views
from vis2sound_jax.video import frames as fr

B, T = 8, 3
alter = jax.jit(grey_views, static_argnames=("negative", "noise"))
colour = jax.jit(colour_views, static_argnums=2)


@functools.cache
def pictures(height: int, width: int) -> np.ndarray:
    """Clips of blurred colours, with some pixels that are white, black or grey."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (B * T, 7, 9, 3), np.uint8)
    large = np.stack([np.asarray(Image.fromarray(one).resize((width, height))) for one in small])
    large[:, :4], large[:, 4:8], large[:, 8:12, ::2] = 255, 0, 128
    return large.reshape(B, T, height, width, 3)


def draws(height: int, width: int, **changes: Any) -> list[fr.GreyAugmentation]:
    rng = np.random.default_rng(1)
    found = [fr.sample_grey_augmentation(rng, height, width) for _ in range(B)]
    return [dataclasses.replace(one, negative=bool(k % 2), **changes) for k, one in enumerate(found)]


def stacked(found: list[Any]) -> np.ndarray:
    return np.stack([one.numbers for one in found])


SEEDS = np.arange(B, dtype=np.uint32)


@pytest.mark.parametrize("coloured", [False, True])
def test_grey_views_are_those_of_pillow_but_for_the_noise(*, coloured: bool) -> None:
    clips = pictures(36, 64) if coloured else fr.grey(pictures(36, 64))
    quiet = draws(36, 64, noise=0)
    wanted = np.stack([fr.apply_grey_augmentation(clip, one) for clip, one in zip(clips, quiet, strict=True)])
    found = np.asarray(alter(clips, stacked(quiet), SEEDS))
    # Where a mean of pixels lies between two levels, its last bit decides.
    apart = np.abs(found.astype(int) - wanted)
    assert found.dtype == np.uint8 and apart.max() <= 8 and (apart > 0).mean() < 1e-3
    assert {one.mirror for one in quiet} == {one.negative for one in quiet} == {True, False}


def test_noise_is_even_new_for_every_clip_and_pixel_and_the_same_for_a_seed() -> None:
    flat = np.full((B, T, 36, 64), 100, np.uint8)
    numbers = stacked([fr.GreyAugmentation((0, 0, 64, 36), False, 1.0, 1.0, 1.0, 3, 0)] * B)
    found = np.asarray(alter(flat, numbers, SEEDS)).astype(int) - 100
    levels, counts = np.unique(found, return_counts=True)
    np.testing.assert_array_equal(levels, np.arange(-3, 4))
    np.testing.assert_allclose(counts / found.size, 1 / 7, atol=0.004)
    rows = found.reshape(B * T, -1)
    assert np.abs(np.corrcoef(rows) - np.eye(len(rows))).max() < 0.1
    assert abs(np.corrcoef(found[..., 1:].ravel(), found[..., :-1].ravel())[0, 1]) < 0.02
    np.testing.assert_array_equal(alter(flat, numbers, SEEDS), found + 100)
    assert (np.asarray(alter(flat, numbers, SEEDS, noise=1)) != found + 100).mean() > 0.8
    # The host's noise, by another generator, is spread alike.
    hosts = fr.apply_grey_augmentation(flat[0], dataclasses.replace(draws(36, 64)[0], noise=3, gain=1, contrast=1))
    assert np.ptp(hosts) <= 6


def test_negatives_are_of_those_that_are_asked_for() -> None:
    clips, numbers = fr.grey(pictures(36, 64)), stacked(draws(36, 64))
    plain, turned = (np.asarray(alter(clips, numbers, SEEDS, negative=negative)) for negative in (False, True))
    np.testing.assert_array_equal(turned[1::2], 255 - plain[1::2])
    np.testing.assert_array_equal(turned[::2], plain[::2])


def test_a_draw_that_changes_nothing_changes_nothing() -> None:
    clips = pictures(36, 64)
    neutral = fr.GreyAugmentation((0, 0, 64, 36), False, 1.0, 1.0, 1.0, 0, 0)
    np.testing.assert_array_equal(alter(clips, stacked([neutral] * B), SEEDS), clips)
    assert neutral.numbers.shape == (GREY_NUMBERS,)
    square, names = clips[:, :, :, :36], ("brightness", "saturation", "contrast", "hue")
    same = fr.Augmentation((0, 0, 36, 36), 36, False, tuple((name, float(name != "hue")) for name in names))
    assert same.numbers.shape == (COLOUR_NUMBERS,)
    # The way through hue and saturation rounds, as Pillow's does.
    wanted = np.stack([fr.apply_augmentation(clip, same) for clip in square])
    apart = np.abs(np.asarray(colour(square, stacked([same] * B), 36)).astype(int) - wanted)
    assert apart.max() <= 8 and (apart > 0).mean() < 5e-3


@pytest.mark.parametrize(("side", "size"), [(128, 112), (40, 35)])
def test_colour_views_are_those_of_pillow(side: int, size: int) -> None:
    rng, clips = np.random.default_rng(2), pictures(side, side)
    found = [fr.sample_augmentation(rng, side, side, size=size) for _ in range(B)]
    wanted = np.stack([fr.apply_augmentation(clip, one) for clip, one in zip(clips, found, strict=True)])
    apart = np.abs(np.asarray(colour(clips, stacked(found), size)).astype(int) - wanted)
    # A level more or less before hue is counted in 256 steps can become a step.
    assert apart.max() <= 16 and apart.mean() < 0.1 and (apart > 0).mean() < 0.03


@pytest.mark.parametrize("name", ["brightness", "saturation", "contrast", "hue"])
@pytest.mark.parametrize("factor", [0.5537, 1.4463])  # whose products are nowhere near whole numbers
def test_each_change_of_colours_is_pillows(name: str, factor: float) -> None:
    """The others are neutral, and so is the window, so that nothing but the change itself can round."""
    clips = pictures(40, 40)
    factor = factor - 1 if name == "hue" else factor
    others = [other for other in ("brightness", "saturation", "contrast") if other != name]
    jitter = ((name, factor), *((other, 1.0) for other in others), ("brightness", 1.0))[:4]
    one = fr.Augmentation((0, 0, 40, 40), 40, False, jitter)
    wanted = np.stack([fr.apply_augmentation(clip, one) for clip in clips])
    found = np.asarray(colour(clips, stacked([one] * B), 40))
    apart = np.abs(found.astype(int) - wanted)
    assert apart.max() <= 8 and (apart > 0).mean() < 5e-3


def test_one_program_serves_every_draw() -> None:
    clips = fr.grey(pictures(36, 64))
    once = jax.jit(functools.partial(grey_views))  # a cache of its own
    for k in range(3):
        once(clips, np.roll(stacked(draws(36, 64)), k, axis=0), SEEDS + np.uint32(k))
    assert once._cache_size() == 1


@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_devices_alter_their_own_clips_and_send_nothing(kind: str) -> None:
    clips = pictures(40, 40)
    if kind == "grey":
        arrays = (fr.grey(clips), stacked(draws(40, 40)), SEEDS)
        program = jax.jit(views.grey_views)
    else:
        rng = np.random.default_rng(3)
        arrays = (clips, stacked([fr.sample_augmentation(rng, 40, 40, size=35) for _ in range(B)]))
        program = jax.jit(functools.partial(views.colour_views, size=35))
    place = NamedSharding(Mesh(np.array(jax.devices()[:8]), ("data",)), PartitionSpec("data"))
    shared = [jax.device_put(array, place) for array in arrays]
    text = program.lower(*shared).compile().as_text()
    assert not any(word in text for word in ("all-gather", "all-reduce", "all-to-all", "collective-permute"))
    alone, together = (np.asarray(program(*each)).astype(int) for each in (arrays, shared))
    assert np.abs(alone - together).max() <= 1
