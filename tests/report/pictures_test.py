"""Laws of the pictures: PNG files, the same bytes for the same numbers, drawn from whatever is defined."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.report.pictures import MelPanel, bar_picture, confusion_picture, mel_picture, png_bytes

RATE_HZ = 22_050
PNG = b"\x89PNG\r\n\x1a\n"
NAN = float("nan")


@pytest.fixture(scope="module")
def panel() -> MelPanel:
    wav = (0.1 * np.random.default_rng(0).standard_normal(RATE_HZ)).astype(np.float32)
    return MelPanel("x", wav, np.array([0.5]))


def height(png: bytes) -> int:
    return Image.open(io.BytesIO(png)).size[1]


def test_bars_are_reproducible_and_leave_out_what_is_undefined() -> None:
    rows = {"a": Estimate(0.4, 0.3, 0.5), "b": Estimate(NAN, NAN, NAN)}
    bars = [bar_picture("AP", rows, ceiling=Estimate(0.9, NAN, NAN)) for _ in range(2)]
    assert bars[0] == bars[1] and bars[0].startswith(PNG)
    assert bars[0] != bar_picture("AP", rows) and bars[0] != bar_picture("AP", rows, floor=Estimate(0.9, NAN, NAN))
    assert height(bar_picture("AP", {"a": rows["a"]})) < height(bars[0])


def test_a_confusion_matrix_with_an_empty_class() -> None:
    picture = confusion_picture(np.array([[3, 1], [0, 0]]), ["metal", "wood"], "material")
    assert picture.startswith(PNG)
    assert picture != confusion_picture(np.array([[1, 3], [0, 0]]), ["metal", "wood"], "material")


def test_mels_stand_under_each_other_below_the_curve(panel: MelPanel) -> None:
    nothing = np.zeros(0)
    alone = mel_picture([panel], RATE_HZ, annotated_s=nothing)
    two = mel_picture([panel, MelPanel("silence", np.zeros(RATE_HZ), nothing)], RATE_HZ, annotated_s=nothing)
    curve = np.linspace(0, 1, 15), np.linspace(0, 1, 15)
    seen = mel_picture([panel], RATE_HZ, annotated_s=np.array([0.5]), video_curve=curve)
    assert alone.startswith(PNG) and height(alone) < height(two) == height(seen)


def test_a_file_depends_on_the_figure_only() -> None:
    files = [png_bytes(Figure(figsize=(1, 1))) for _ in range(2)]
    assert files[0] == files[1] and b"matplotlib" not in files[0].lower()
