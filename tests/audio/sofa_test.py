"""Measured heads: a made-up file gives back what it was made of."""

import sys
from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.audio.sofa import MeasuredHead
from vis2sound_jax.errors import UserError

RATE_HZ = 16000


def head() -> MeasuredHead:
    """Three directions: a click late and soft at the far ear."""
    responses = np.zeros((3, 2, 32), np.float32)
    for number, (left, right) in enumerate(((4, 12), (8, 8), (12, 4))):
        responses[number, 0, left], responses[number, 1, right] = 4 / left, 4 / right
    return MeasuredHead(np.array([-90.0, 0.0, 90.0]), responses, RATE_HZ)


def written(path: Path, convention: str = "SimpleFreeFieldHRIR") -> Path:
    sofar = pytest.importorskip("sofar", reason="the extra `binaural` is not installed")
    made, ours = sofar.Sofa(convention), head()
    if convention == "SimpleFreeFieldHRIR":
        # Files count azimuths from the front to the left; a row high up is not read.
        made.SourcePosition = np.array([[0, 0, 1.2], [270, 0, 1.2], [90, 0, 1.2], [0, 45, 1.2]])
        made.Data_IR = np.concatenate([ours.responses[[1, 2, 0]], np.ones((1, 2, 32))])
        made.Data_SamplingRate = RATE_HZ
    sofar.write_sofa(str(path), made)
    return path


def test_a_file_is_read_in_our_directions(tmp_path: Path) -> None:
    found = MeasuredHead.read(written(tmp_path / "ears.sofa"), RATE_HZ)
    np.testing.assert_allclose(found.azimuth_deg, [-90, 0, 90])
    np.testing.assert_allclose(found.responses, head().responses, atol=1e-6)
    assert MeasuredHead.read(tmp_path / "ears.sofa", 2 * RATE_HZ).responses.shape == (3, 2, 64)


def test_a_file_of_another_convention_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "room.sofa", "GeneralFIR")
    with pytest.raises(UserError, match="has the SOFA convention GeneralFIR; give a file of the convention SimpleFree"):
        MeasuredHead.read(path, RATE_HZ)


def test_what_is_no_sofa_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("sofar", reason="the extra `binaural` is not installed")
    (tmp_path / "ears.sofa").write_text("ears")
    with pytest.raises(UserError, match="ears.sofa: cannot be read as SOFA; give a SOFA file"):
        MeasuredHead.read(tmp_path / "ears.sofa", RATE_HZ)


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sofar", None)
    with pytest.raises(
        UserError, match=r"ears.sofa is a SOFA file, .* install it: pip install vis2sound_jax\[binaural\]"
    ):
        MeasuredHead.read(tmp_path / "ears.sofa", RATE_HZ)


def test_a_measured_direction_is_its_response_and_between_two_are_both() -> None:
    click = np.zeros(400)
    click[100] = 1
    right = head().hear(click, 90.0, RATE_HZ)
    assert [int(np.argmax(ear)) for ear in right] == [112, 104]
    halfway = head().hear(click, 45.0, RATE_HZ)
    np.testing.assert_allclose(halfway[0, [108, 112]], [0.25, 4 / 24], atol=1e-6)


def test_directions_wrap_around_behind_the_head() -> None:
    click = np.zeros(400)
    click[100] = 1
    behind = head().hear(click, 180.0, RATE_HZ)
    np.testing.assert_allclose(behind[0, [104, 112]], [0.5, 4 / 24], atol=1e-6)
    np.testing.assert_allclose(head().hear(click, -180.0, RATE_HZ), behind, atol=1e-6)


def test_a_moving_source_passes_through_all_shares_and_another_rate_is_refused() -> None:
    wav = np.ones(16000)
    ears = head().hear(wav, np.linspace(-90, 90, 16000), RATE_HZ)
    assert (np.diff(ears[0, 200:-200:800]) < 0).all() and (np.diff(ears[1, 200:-200:800]) > 0).all()
    with pytest.raises(UserError, match="read for 16000 Hz and the sound has 8000"):
        head().hear(wav, 0.0, 8000)
