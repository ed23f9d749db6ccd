"""Laws of the contact sheet: a picture of any grid of sounds, the same bytes for the same sounds."""

import io

import numpy as np
import pytest
from PIL import Image

from vis2sound_jax.audio.mel import MelSpec, log_mel
from vis2sound_jax.report.contact_sheet import cell_of, contact_sheet

RATE_HZ = 22_050


def panel(seconds, onsets=(), title=""):
    wav = 0.1 * np.random.default_rng(0).standard_normal(round(seconds * RATE_HZ)).astype(np.float32)
    return cell_of(title or f"{seconds} s", wav, np.array(onsets), RATE_HZ)


def size(png):
    return Image.open(io.BytesIO(png)).size


def test_a_row_for_every_film_and_a_column_for_every_take():
    two = [("a", [panel(1.0, [0.5]), panel(0.7)]), ("b", [panel(2.0)])]
    sheet = contact_sheet(two)
    assert sheet == contact_sheet(two)
    width, height = size(sheet)
    one = size(contact_sheet(two[1:]))
    assert abs(width - 2 * one[0]) <= 2 and abs(height - 2 * one[1]) <= 2


@pytest.mark.parametrize("rows", [[], [("a", [])]])
def test_nothing_to_draw_is_an_error(rows):
    with pytest.raises(ValueError, match="at least one sound"):
        contact_sheet(rows)


def test_a_long_sound_is_drawn_from_little_and_looks_as_a_short_one():
    """Blocks join almost without a seam, and what is kept of a sound does not grow with it."""
    long = panel(60.0)
    assert long.mel.shape[1] <= 1024 and abs(long.duration_s - 60.0) < 0.05
    wav = 0.1 * np.random.default_rng(0).standard_normal(60 * RATE_HZ).astype(np.float32)
    whole = np.asarray(log_mel(wav, MelSpec(rate_hz=RATE_HZ)))
    group = -(-whole.shape[1] // 1024)
    wanted = whole[:, : whole.shape[1] // group * group].reshape(len(whole), -1, group).mean(axis=2)
    np.testing.assert_allclose(long.mel[:, : wanted.shape[1]], wanted, atol=0.1)


NAMES = (
    *("cash$_$.mp4", "$\\frac{$", "<b>&'\"", "two\nlines", "\u202edlrow \u05e9\u05dc", "\U0001f941"),
    *("\udce9t\udce9", "-x", "con", "a" * 255),
)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_any_name_can_be_drawn(name):
    assert size(contact_sheet([(name, [panel(0.3, title=name)])]))[0] > 0
