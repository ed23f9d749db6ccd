"""The sound of training recordings: log-mels in half precision, at their own level or at one."""

from pathlib import Path

import numpy as np

from vis2sound_jax.run.workdir import settings_of
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.systems.condfoley.heard import heard_mels, heard_onsets, recording_mel, training_records


def test_every_training_recording_is_heard(tiny_run: Path) -> None:
    config = settings_of(tiny_run)
    records = training_records(config, tiny_run)
    heard, mels = heard_onsets(config, tiny_run), heard_mels(config, tiny_run, build.mel_spec(config))
    assert len(records) == len(heard) == len(mels) > 0
    assert {one.bands.shape[1] for one in heard} == {config.encoder.bands}
    for mel in mels:
        assert mel.dtype == np.float16 and mel.shape[0] == config.mel.n_mels and 0 <= mel.min() <= mel.max() <= 1


def test_a_level_moves_every_sound(tiny_run: Path) -> None:
    config = settings_of(tiny_run)
    record, spec = training_records(config, tiny_run)[0], build.mel_spec(config)
    own, loud = recording_mel(record, spec), recording_mel(record, spec, 0.5)
    assert own.shape == loud.shape and loud.astype(np.float32).mean() > own.astype(np.float32).mean()
