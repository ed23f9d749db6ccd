"""Laws of how builders are found and sent to workers."""

import json
import pickle
from dataclasses import asdict

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.builders import BuilderSpec, load_builder_module


@pytest.mark.parametrize("name", ["greatest_hits", "countix_av"])
def test_a_builder_is_loaded_once_and_has_the_settings_asked_for(name, form, tmp_path):
    spec = BuilderSpec(name, {"recordings_dir": str(tmp_path), "split": "condfoley", "form": form})
    builder = spec.open(tmp_path / "out")
    assert load_builder_module(name) is load_builder_module(name)
    assert builder.info.name == name and builder.builder_config.form == form
    assert builder.recordings_dir == tmp_path and not (tmp_path / "out").exists()


def test_a_spec_is_small_plain_and_the_same_in_a_worker(form, tmp_path):
    spec = BuilderSpec("greatest_hits", {"recordings_dir": str(tmp_path), "form": form})
    data = pickle.dumps(spec)
    assert pickle.loads(data) == spec and len(data) < 1000
    assert json.loads(json.dumps(asdict(spec)))["settings"]["form"]["height"] == form.height


def test_an_unknown_builder_names_those_there_are():
    with pytest.raises(
        UserError, match="no such builder; name one of clips_by_class, countix_av, greatest_hits"
    ) as caught:
        BuilderSpec("lesser_hits", {}).open("out")
    assert caught.value.path is not None and caught.value.path.name == "lesser_hits_dataset_builder.py"


def test_every_builder_states_the_form_it_stores(form, tmp_path):
    for name in ("greatest_hits", "countix_av"):
        builder = BuilderSpec(name, {"recordings_dir": str(tmp_path), "form": form}).open(tmp_path)
        assert dict(builder.info.metadata) == {"split": "official", **asdict(form)}
        assert builder.info.features["annotated"].np_dtype is np.bool_
