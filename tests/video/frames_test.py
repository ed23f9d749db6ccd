"""Laws of the pure frame functions, and parity with the published preprocessing."""

import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from vis2sound_jax.video import frames as fr

GOLDEN = pathlib.Path(os.environ.get("VIS2SOUND_GOLDEN", pathlib.Path(__file__).parents[1] / "golden"))
KEYS = {"in/frames_uint8_THWC", "out/frames_TCHW", "out/resized_uint8_THWC"}
FILES = [path for path in sorted(GOLDEN.glob("*.npz")) if KEYS <= set(np.load(path).files)]


def clip(t=4, h=40, w=56, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (t, h, w, 3), np.uint8)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_evaluation_transform_equals_the_published_one(path):
    golden = np.load(path)
    frames = golden["in/frames_uint8_THWC"]
    resized = fr.resize(frames, 128, 128).astype(int)
    assert np.abs(resized - golden["out/resized_uint8_THWC"]).max() <= 1  # Pillow's own rounding may change
    ours = fr.condfoley_eval_transform(frames).transpose(0, 3, 1, 2)
    tolerance = 1e-6 if (resized == golden["out/resized_uint8_THWC"]).all() else 1 / 255 / 0.22
    np.testing.assert_allclose(ours, golden["out/frames_TCHW"], atol=tolerance, rtol=1e-6)


def test_a_golden_file_is_there():
    assert FILES


def test_resize_keeps_flat_pictures_and_takes_grey_ones():
    assert (fr.resize(np.full((2, 30, 50, 3), 77, np.uint8), 9, 7) == 77).all()
    assert fr.resize(clip()[..., 0], 9, 7).shape == (4, 9, 7)
    np.testing.assert_array_equal(fr.resize(clip(), 40, 56), clip())


def test_centre_crop_is_central():
    frames = clip(h=9, w=10)
    np.testing.assert_array_equal(fr.centre_crop(frames, 5, 6), frames[:, 2:7, 2:8])
    np.testing.assert_array_equal(fr.centre_crop(frames, 9, 10), frames)
    assert fr.centre_crop(clip(h=128, w=173), 112, 160).base is not None


@pytest.mark.parametrize("statistics", [fr.IMAGENET, fr.KINETICS])
def test_normalise_maps_the_mean_to_zero_and_a_deviation_to_one(statistics):
    mean, deviation = np.asarray(statistics)
    for units in (0.0, 1.0):
        pixel = np.round(255 * (mean + units * deviation)).astype(np.uint8)
        out = fr.normalise(np.tile(pixel, (1, 2, 2, 1)), statistics)
        assert out.dtype == np.float32 and np.abs(out - units).max() < 0.5 / 255 / 0.2


def test_grey_equals_pillow():
    frames = clip()
    np.testing.assert_array_equal(fr.grey(frames), [np.asarray(Image.fromarray(f).convert("L")) for f in frames])


@pytest.mark.parametrize("height,width", [(128, 128), (40, 200), (200, 40)])
def test_crops_lie_inside_and_keep_the_published_ranges(height, width):
    rng = np.random.default_rng(0)
    draws = [fr.sample_augmentation(rng, height, width) for _ in range(300)]
    boxes = np.array([draw.box for draw in draws])
    columns, rows = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    assert (boxes >= 0).all() and (boxes[:, 2] <= width).all() and (boxes[:, 3] <= height).all()
    aspect = columns / rows
    assert aspect.min() > 0.72 and aspect.max() < 1.38
    if height == width:
        share = columns * rows / height / width
        assert share.min() > 0.48 and share.max() > 0.95 and 0.65 < share.mean() < 0.75
    assert 0.4 < np.mean([draw.mirror for draw in draws]) < 0.6
    limits = {"brightness": (0.6, 1.4), "saturation": (0.6, 1.4), "contrast": (0.8, 1.2), "hue": (-0.1, 0.1)}
    for name, (low, high) in limits.items():
        factors = np.array([dict(draw.jitter)[name] for draw in draws])
        assert low <= factors.min() < low + 0.05 and high - 0.05 < factors.max() <= high
    assert len({tuple(name for name, _ in draw.jitter) for draw in draws}) == 24


def test_one_draw_serves_all_frames_and_repeats():
    frames = np.repeat(clip(1), 3, axis=0)
    draw = fr.sample_augmentation(np.random.default_rng(1), 40, 56, size=24)
    out = fr.apply_augmentation(frames, draw)
    assert out.shape == (3, 24, 24, 3) and out.dtype == np.uint8
    np.testing.assert_array_equal(out, np.repeat(out[:1], 3, axis=0))
    assert draw == fr.sample_augmentation(np.random.default_rng(1), 40, 56, size=24)


def test_neutral_draws_change_nothing():
    frames, names = clip(h=40, w=40), ("brightness", "saturation", "contrast", "hue")
    neutral = tuple((name, 0.0 if name == "hue" else 1.0) for name in names)
    out = fr.apply_augmentation(frames, fr.Augmentation((0, 0, 40, 40), 40, False, neutral[:3]))
    np.testing.assert_array_equal(out, frames)
    out = fr.apply_augmentation(frames, fr.Augmentation((0, 0, 40, 40), 40, True, ()))
    np.testing.assert_array_equal(out, frames[:, :, ::-1])
    hue = fr.apply_augmentation(frames, fr.Augmentation((0, 0, 40, 40), 40, False, neutral[3:]))
    assert np.abs(hue.astype(int) - frames).mean() < 3  # the way through HSV rounds
    grey = fr.grey(frames)
    same = fr.GreyAugmentation((0, 0, 40, 40), False, 1.0, 1.0, 1.0, 0, 0)
    np.testing.assert_array_equal(fr.apply_grey_augmentation(grey, same), grey)


def test_a_turn_of_the_hue_makes_red_green():
    red = np.full((1, 4, 4, 3), (200, 0, 0), np.uint8)
    turned = fr.apply_augmentation(red, fr.Augmentation((0, 0, 4, 4), 4, False, (("hue", 1 / 3),)))
    assert np.abs(turned.astype(int) - (0, 200, 0)).max() < 8


def test_the_grey_augmentation_keeps_size_and_range_and_repeats():
    grey, rng = fr.grey(clip(h=72, w=128)), np.random.default_rng(2)
    for _ in range(20):
        draw = fr.sample_grey_augmentation(rng, 72, 128)
        left, top, right, bottom = draw.box
        assert 0 <= left < right <= 128 and 0 <= top < bottom <= 72
        out = fr.apply_grey_augmentation(grey, draw)
        assert out.shape == grey.shape and out.dtype == np.uint8
        np.testing.assert_array_equal(out, fr.apply_grey_augmentation(grey, draw))
