"""Laws of training the scorer: what it cannot be trained on is told, half of its sounds went through the codebook."""

from pathlib import Path

import jax
import numpy as np
import pytest

from configs import condfoley
from vis2sound_jax.errors import UserError
from vis2sound_jax.systems.condfoley import build, sync
from vis2sound_jax.systems.condfoley.chain import load
from vis2sound_jax.systems.condfoley.token_cache import token_recordings


def test_recordings_that_are_too_short_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sync, "token_recordings", lambda *_: [])
    with pytest.raises(
        UserError, match=r"no training recording lasts 2\.0 s; give longer .* lower config.sync.reach_s"
    ):
        sync.training(condfoley.get_config("smoke")).open(tmp_path)


def test_bands_must_divide_the_mels() -> None:
    config = condfoley.get_config("smoke")
    config.sync.bands = 7
    with pytest.raises(UserError, match="config.sync.bands is 7; it must divide config.mel.n_mels, which is 80"):
        build.sync_net(config)


def test_the_codebook_gives_the_sounds_back(tiny_run: Path) -> None:
    foley = load(tiny_run)
    recordings = token_recordings(foley.config, tiny_run, "train")[:2]
    for one, heard in zip(recordings, sync._through_codebook(foley.config, tiny_run, recordings), strict=True):
        assert heard.mel.shape == one.mel.shape and (heard.mel != one.mel).any()
        np.testing.assert_array_equal(heard.onset, one.onset)


def test_the_trained_scorer_has_the_sizes_of_the_config(tiny_run: Path) -> None:
    foley = load(tiny_run)
    assert foley.scorer is not None and foley.scorer.lags == 25
    assert max(leaf.shape[-1] for leaf in jax.tree.leaves(foley.params["sync"])) == 8
