"""Laws of the contact sheet: a picture of any grid of sounds, the same bytes for the same sounds."""

import io

import numpy as np
import pytest
from PIL import Image

from vis2sound_jax.report.contact_sheet import contact_sheet
from vis2sound_jax.report.pictures import MelPanel

RATE_HZ = 22_050


def panel(seconds, onsets=()):
    wav = 0.1 * np.random.default_rng(0).standard_normal(round(seconds * RATE_HZ)).astype(np.float32)
    return MelPanel(f"{seconds} s", wav, np.array(onsets))


def size(png):
    return Image.open(io.BytesIO(png)).size


def test_a_row_for_every_film_and_a_column_for_every_take():
    two = [("a", [panel(1.0, [0.5]), panel(0.7)]), ("b", [panel(2.0)])]
    sheet = contact_sheet(two, RATE_HZ)
    assert sheet == contact_sheet(two, RATE_HZ)
    width, height = size(sheet)
    one = size(contact_sheet(two[1:], RATE_HZ))
    assert abs(width - 2 * one[0]) <= 2 and abs(height - 2 * one[1]) <= 2


@pytest.mark.parametrize("rows", [[], [("a", [])]])
def test_nothing_to_draw_is_an_error(rows):
    with pytest.raises(ValueError, match="at least one sound"):
        contact_sheet(rows, RATE_HZ)
