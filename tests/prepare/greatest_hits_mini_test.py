import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import vis2sound_jax
from vis2sound_jax.data.transforms import sample_pair
from vis2sound_jax.prepare.dataset import prepare
from vis2sound_jax.prepare.sources import open_records
from vis2sound_jax.video.form import MediaForm

SHARED = Path(os.environ.get("VIS2SOUND_SHARED", Path(vis2sound_jax.__file__).parents[2] / "shared"))
MINI = SHARED / "greatest_hits_mini"


@pytest.mark.skipif(not MINI.is_dir(), reason="the real recordings are not here (set VIS2SOUND_SHARED)")
def test_real_recordings_keep_their_events_and_spans(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    names = ["2015-03-15-19-34-38-at10s", "2015-03-20-02-19-32-at00s"]
    for name, split in zip(names, ("train", "test"), strict=True):
        (folder / f"{split}.txt").write_text(name)
        for suffix in ("_denoised.mp4", "_times.txt"):
            shutil.copy(MINI / f"{name}{suffix}", folder)
    shutil.copy(MINI / "manifest.json", folder)
    prepare("greatest_hits", folder, tmp_path / "out", form=MediaForm(8000, 15.0, 36, 64))
    facts = {entry["video"]: entry for entry in json.loads((MINI / "manifest.json").read_text())}
    for name, split in zip(names, ("train", "test"), strict=True):
        (record,) = open_records(tmp_path / "out", split)
        assert (record["id"], record["sound_source"]) == (name, "video")
        assert len(record["event_time_s"]) == facts[name]["n_hits"]
        np.testing.assert_allclose(record["span_s"], facts[name]["annotated"], atol=0.05)
        assert record["duration_s"] == pytest.approx(facts[name]["duration"], abs=0.1)
        pair = sample_pair(record, np.random.default_rng(0), 2.0)
        assert abs(pair.target.start_s - pair.condition.start_s) >= 2 - 1e-6
        assert np.abs(pair.target.wav).max() > 0.005
