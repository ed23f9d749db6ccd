"""Laws of the form of media: a value that can be compared, sent and written, never changed."""

import dataclasses
import json
import pickle

import pytest

from vis2sound_jax.video.form import MediaForm

FORM = MediaForm(rate_hz=16000, fps=25.0, height=72, width=128)


def test_it_is_a_value():
    assert MediaForm(16000, 25.0, 72, 128) == FORM == pickle.loads(pickle.dumps(FORM))
    assert len({FORM, MediaForm(16000, 25.0, 72, 128), dataclasses.replace(FORM, width=64)}) == 2
    assert json.loads(json.dumps(dataclasses.asdict(FORM))) == dataclasses.asdict(FORM)


@pytest.mark.parametrize("name", ["rate_hz", "fps", "height", "width"])
def test_nobody_changes_it(name):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(FORM, name, 1)
    assert dataclasses.replace(FORM, **{name: 1}) != FORM
