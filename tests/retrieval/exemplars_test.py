"""Laws of exemplars: what is saved is opened again, whole or not at all, and candidates are what they say."""

import dataclasses
import os

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.retrieval.exemplars import ExemplarBank


def bank(count=7, seed=0):
    rng = np.random.default_rng(seed)
    return ExemplarBank(
        features=rng.uniform(size=(count, 9, 4)).astype(np.float16),
        wavs=rng.integers(-30000, 30000, (count, 50)).astype(np.int16),
        lengths=rng.integers(20, 51, count),
        times_s=rng.uniform(0, 30, count),
        ids=[f"recording-{k // 2}" for k in range(count)],
        labels={"material": ["wood", "None", "metal"] * 2 + ["wood"], "action": ["hit"] * count},
        rate_hz=100,
        impact=12,
    )


def test_what_is_saved_is_opened_again(tmp_path):
    saved = bank()
    saved.save(tmp_path / "new" / "bank")
    opened = ExemplarBank.open(tmp_path / "new" / "bank")
    assert isinstance(opened.features, np.memmap) and isinstance(opened.wavs, np.memmap)
    for field in dataclasses.fields(ExemplarBank):
        mine, theirs = getattr(saved, field.name), getattr(opened, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype
        np.testing.assert_equal(theirs, mine)
    np.testing.assert_array_equal(opened.wav(3), saved.wav(3))


def test_a_bank_replaces_a_bank_but_nothing_else(tmp_path):
    bank(seed=0).save(tmp_path / "bank")
    opened = ExemplarBank.open(tmp_path / "bank")
    bank(seed=1).save(tmp_path / "bank")
    np.testing.assert_array_equal(ExemplarBank.open(tmp_path / "bank").wavs, bank(seed=1).wavs)
    np.testing.assert_array_equal(opened.wavs, bank(seed=0).wavs)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one.txt").write_text("dear")
    with pytest.raises(UserError, match="holds something other than exemplars"):
        bank().save(tmp_path / "letters")
    assert sorted(os.listdir(tmp_path)) == ["bank", "letters"] and os.listdir(tmp_path / "letters") == ["one.txt"]


def test_a_failed_save_leaves_the_old_bank(tmp_path, monkeypatch):
    bank(seed=0).save(tmp_path / "bank")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(UserError, match="No space left"):
        bank(seed=1).save(tmp_path / "bank")
    np.testing.assert_array_equal(ExemplarBank.open(tmp_path / "bank").wavs, bank(seed=0).wavs)
    assert os.listdir(tmp_path) == ["bank"]


def test_missing_and_broken_banks_are_told(tmp_path):
    with pytest.raises(UserError, match="holds no exemplars"):
        ExemplarBank.open(tmp_path)
    bank().save(tmp_path / "bank")
    (tmp_path / "bank" / "lengths.npy").unlink()
    with pytest.raises(UserError, match="is broken"):
        ExemplarBank.open(tmp_path / "bank")
    bank().save(tmp_path / "bank")
    (tmp_path / "bank" / "exemplars.json").write_text("{")
    with pytest.raises(UserError, match="is broken"):
        ExemplarBank.open(tmp_path / "bank")


def test_candidates_have_the_label_and_another_recording():
    known = bank()
    assert known.candidates().all() and len(known) == 7
    np.testing.assert_array_equal(np.flatnonzero(known.candidates(material="wood")), [0, 3, 6])
    chosen = known.candidates(without="recording-1", material="wood", action="hit")
    np.testing.assert_array_equal(np.flatnonzero(chosen), [0, 6])
    with pytest.raises(UserError, match="exemplars have no colour; choose from action, material"):
        known.candidates(colour="red")


def test_an_exemplar_is_nearest_to_itself():
    known = bank()
    found, away = known.nearest(known.features[:, 2:6].astype(np.float32), offset=2)
    np.testing.assert_array_equal(found, np.arange(7))
    assert not away.any()
    found, away = known.nearest(
        known.features[[4]].astype(np.float32), candidates=known.candidates(without="recording-2")
    )
    assert known.ids[found[0]] != "recording-2" and away[0] > 0


def test_every_exemplar_needs_every_entry():
    with pytest.raises(ValueError, match="one entry of each kind"):
        dataclasses.replace(bank(), ids=["one"])
    with pytest.raises(ValueError, match="one entry of each kind"):
        dataclasses.replace(bank(), labels={"material": []})


def test_sounds_end_at_their_cut():
    known = bank()
    assert [len(known.wav(k)) for k in range(7)] == list(known.lengths)
    assert known.wav(0).dtype == np.float32 and np.abs(known.wav(0)).max() <= 1
