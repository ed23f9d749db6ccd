"""Laws of AutoFoley's windows: picture and sound of the same moment, loops, residuals, what is drawn."""

from typing import Any

import numpy as np
import pytest

from vis2sound_jax.data.class_means import class_means
from vis2sound_jax.data.foley_clips import (
    STILLS,
    FoleyClip,
    FoleyWindow,
    foley_clips,
    foley_example,
    looped,
    still_places,
    window_of,
)
from vis2sound_jax.video.files import encode_jpeg

SIZE = FoleyWindow.of(1.0, 10.0, 50.0)
LEVELS = np.arange(30, dtype=np.uint8) * 8


def clip(frames: int = 30, label: int = 1) -> FoleyClip:
    """Frame k has the grey value 8 k, column j the value j."""
    pictures = [encode_jpeg(np.full((8, 8, 3), level, np.uint8), 100) for level in LEVELS[:frames]]
    record: Any = {"id": "a/b", "frames": pictures, "label": "a"}
    rows = np.repeat(np.arange(5 * frames, dtype=np.float16)[:, None], 3, axis=1)
    return FoleyClip(record, label, rows)


def test_sizes_are_rounded() -> None:
    assert (SIZE.frames, SIZE.columns) == (10, 50)
    assert FoleyWindow.of(860 * 256 / 44100, 30.0, 44100 / 256)[:2] == (150, 860)


@pytest.mark.parametrize("first", [0, 7, 20])
def test_picture_and_sound_are_of_the_same_moment(first: int) -> None:
    grey, stills, rows = window_of(clip(), first, SIZE)
    np.testing.assert_allclose(grey[:, 0, 0], LEVELS[first : first + 10], atol=2)
    np.testing.assert_array_equal(rows[:, 0], np.arange(5 * first, 5 * first + 50))
    np.testing.assert_allclose(stills[:, 0, 0, 0], LEVELS[first + still_places(10)], atol=2)
    assert stills.shape == (STILLS, 8, 8, 3)


def test_a_short_clip_is_looped_with_its_sound() -> None:
    grey, _, rows = window_of(clip(frames=4), 0, SIZE)
    np.testing.assert_allclose(grey[:, 0, 0], LEVELS[[0, 1, 2, 3, 0, 1, 2, 3, 0, 1]], atol=2)
    np.testing.assert_array_equal(rows[:, 0], np.arange(50) % 20)
    np.testing.assert_array_equal(looped(3, 4, 5), [3, 4, 0, 1])


def test_an_example_is_less_the_mean_of_its_class() -> None:
    means = class_means([(0, np.zeros((50, 3))), (1, np.full((50, 3), 2.0))], ("x", "a"))
    example = foley_example(clip(), np.random.default_rng(0), size=SIZE, means=means, kind="bin", augment=False)
    assert set(example) == {"frames", "stills", "residual", "label"} and example["label"] == 1
    first = round((example["residual"][0, 0] + 2) / 5)
    np.testing.assert_array_equal(example["residual"][:, 0], np.arange(5 * first, 5 * first + 50) - 2)
    altered = foley_example(clip(), np.random.default_rng(0), size=SIZE, means=means, kind="bin")
    assert altered["view"].shape == (10,) and altered["view_seed"].dtype == np.uint32
    np.testing.assert_array_equal(altered["frames"], example["frames"])
    drawn = [foley_example(clip(), np.random.default_rng(k), size=SIZE, means=means, kind="bin") for k in range(5)]
    assert len({float(one["residual"][0, 0]) for one in drawn}) > 1


def test_clips_of_unknown_classes_are_left_out() -> None:
    records: Any = [{"id": "a/b", "label": "a"}, {"id": "c/d", "label": "c"}]
    rows: Any = {"a/b": np.zeros((4, 3)), "c/d": np.zeros((4, 3))}
    assert [one.label for one in foley_clips(records, rows, ("x", "a"))] == [1]
