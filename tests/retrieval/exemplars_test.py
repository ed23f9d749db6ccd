"""Laws of exemplars: what is saved is opened again, whole or not at all, and their peaks are laid at the times."""

import dataclasses
import json
import os

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.retrieval.exemplars import ExemplarBank


def bank(count=7, seed=0):
    rng = np.random.default_rng(seed)
    lengths, attack_s = rng.integers(20, 51, count), rng.uniform(0, 30, count)
    return ExemplarBank(
        features=rng.uniform(size=(count, 9, 4)).astype(np.float16),
        wavs=rng.integers(-30000, 30000, lengths.sum()).astype(np.int16),
        lengths=lengths,
        attacks=rng.integers(0, 13, count),
        attack_s=attack_s,
        times_s=attack_s + rng.uniform(-0.02, 0.06, count),
        ids=[f"recording-{k // 2}" for k in range(count)],
        labels={"material": (["wood", "None", "metal"] * 3)[:count], "action": ["hit"] * count},
        rate_hz=100,
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


def test_sounds_lie_one_after_another():
    known = bank()
    assert [len(known.wav(k)) for k in range(7)] == list(known.lengths)
    assert known.wav(0).dtype == np.float32 and np.abs(known.wav(0)).max() <= 1
    joined = np.concatenate([known.wav(k) for k in range(7)])
    np.testing.assert_allclose(joined, known.wavs / 32767, atol=1e-6)
    with pytest.raises(ValueError, match="their lengths say"):
        dataclasses.replace(known, wavs=known.wavs[:-1])


def test_banks_of_another_version_are_refused_in_one_line(tmp_path):
    bank().save(tmp_path / "bank")
    path = tmp_path / "bank" / "exemplars.json"
    settings = json.loads(path.read_text())
    for version in (None, 1, 3):
        older = {name: value for name, value in settings.items() if name != "version"}
        path.write_text(json.dumps(older if version is None else {**older, "version": version}))
        with pytest.raises(UserError, match="cut by another version of this package; cut them again") as refused:
            ExemplarBank.open(tmp_path / "bank", remedy="cut them again")
        assert "\n" not in str(refused.value)


RATE_HZ = 8000


def clicks():
    """Two exemplars of 0.2 s: the first peaks 10 ms after its attack, the second 30 ms."""
    wavs = np.zeros((2, 1600), np.int16)
    wavs[0, 96:], wavs[1, 96:] = 16384, 8192
    return dataclasses.replace(
        bank(2), wavs=wavs.ravel(), lengths=np.array([1600, 1600]), attacks=np.array([96, 96]), rate_hz=RATE_HZ,
        attack_s=np.array([1.0, 2.0]), times_s=np.array([1.01, 2.03]),
    )  # fmt: skip


def test_peaks_lie_at_the_times_and_attacks_as_long_before_as_they_were():
    out = clicks().lay(np.array([1, 0]), np.array([1.5, 0.5]), 2 * RATE_HZ)
    assert out.shape == (2 * RATE_HZ,) and out.dtype == np.float32
    first, second = round(0.49 * RATE_HZ), round(1.47 * RATE_HZ)
    assert not out[:first].any() and not out[first + 1600 : second].any()
    np.testing.assert_allclose(out[first : first + 1000], 0.5, atol=1e-4)
    np.testing.assert_allclose(out[second : second + 1000], 0.25, atol=1e-4)


def test_sounds_ring_on_under_each_other():
    known, chosen, times_s = clicks(), np.array([0, 1, 0]), np.array([0.5, 0.55, 0.6])
    alone = [known.lay(chosen[[k]], times_s[[k]], RATE_HZ) for k in range(3)]
    np.testing.assert_allclose(known.lay(chosen, times_s, RATE_HZ), sum(alone), atol=1e-6)
    assert known.lay(chosen, times_s, RATE_HZ).max() > 1


def test_what_lies_outside_is_not_heard_and_nothing_is_silence():
    known = clicks()
    assert not known.lay(np.array([0, 1]), np.array([-0.5, 1.2]), RATE_HZ).any()
    assert not known.lay(np.zeros(0, int), np.zeros(0), RATE_HZ).any()
    cut = known.lay(np.array([0, 0]), np.array([0.005, 0.95]), RATE_HZ)
    assert np.abs(np.diff(cut, prepend=0, append=0)).max() < 0.55 and abs(cut[-1]) < 0.01


def test_some_of_a_bank_are_a_bank(tmp_path):
    given = bank()
    few = given.only([5, 2])
    assert few.ids == [given.ids[5], given.ids[2]] and few.labels["material"] == ["metal", "metal"]
    for k, place in enumerate((5, 2)):
        np.testing.assert_array_equal(few.wav(k), given.wav(place))
        np.testing.assert_array_equal(few.features[k], given.features[place])
        assert few.times_s[k] == given.times_s[place] and few.attacks[k] == given.attacks[place]
    assert len(given.only([])) == 0 and len(given.only(range(len(given)))) == len(given)


def test_a_small_bank_sounds_the_same(tmp_path):
    saved = dataclasses.replace(bank(), rate_hz=16000)
    saved.save(tmp_path / "bank", small=True)
    assert not (tmp_path / "bank" / "wavs.npy").exists()
    opened = ExemplarBank.open(tmp_path / "bank")
    np.testing.assert_array_equal(opened.wavs, saved.wavs)
    assert opened.wavs.dtype == np.int16 and opened.rate_hz == 16000
    (tmp_path / "bank" / "wavs.flac").write_bytes(b"fLaC")
    with pytest.raises(UserError, match="is broken"):
        ExemplarBank.open(tmp_path / "bank")
