"""Laws of a run's exemplars: every annotated impact is there with its sound, and those of older runs are refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.systems.vis.soundtrack_test import RATE_HZ, STEPS_HZ, bank, film, heard
from vis2sound_jax.audio.files import encode_flac
from vis2sound_jax.audio.peaks import amplitude_peaks
from vis2sound_jax.data.impacts import STEPS, FilmNotes
from vis2sound_jax.data.rows import Rows, RowWriter
from vis2sound_jax.errors import UserError
from vis2sound_jax.systems.vis.bank import bank_dir, build_bank, open_bank

STRUCK = {"low": 0.5, "high": 1.4, "broad": 2.2}


def notes(name: str, wav: np.ndarray, struck: dict[str, float]) -> FilmNotes:
    times_s, heights = amplitude_peaks(wav, RATE_HZ)
    nothing = ["None"] * len(struck)
    span = (0.0, len(wav) / RATE_HZ)
    return FilmNotes(
        name, 90, STEPS_HZ / STEPS, span[1], list(struck.values()), list(struck), nothing, nothing, span,
        list(times_s), list(heights),
    )  # fmt: skip


def test_every_impact_is_kept_with_its_attack_and_its_peak(tmp_path: Path) -> None:
    wav = film(**STRUCK)
    with RowWriter(tmp_path, "train") as writer:
        writer.add("silent", heard(film()))
        writer.add("struck", heard(wav))
    records = [{"audio": encode_flac(sound, RATE_HZ)} for sound in (film(), wav)]
    films = [notes("silent", film(), {}), notes("struck", wav, STRUCK)]
    made = build_bank(records, Rows(tmp_path, "train"), films, RATE_HZ)  # type: ignore[arg-type]
    assert made.ids == ["struck"] * 3 and made.labels["material"] == list(STRUCK)
    np.testing.assert_allclose(made.attack_s, list(STRUCK.values()), atol=0.01)
    late_s = made.times_s - made.attack_s
    assert (late_s > 0).all() and (late_s < 0.06).all()
    for k in range(3):
        begin = round(made.attack_s[k] * RATE_HZ) - made.attacks[k]
        np.testing.assert_allclose(made.wav(k), wav[begin : begin + made.lengths[k]], atol=1e-4)
    with pytest.raises(UserError, match="no training recording has an event, annotated or heard"):
        build_bank(records[:1], Rows(tmp_path, "train"), films[:1], RATE_HZ)  # type: ignore[arg-type]


def test_an_older_bank_is_refused_with_what_to_do(tmp_path: Path) -> None:
    bank().save(bank_dir(tmp_path))
    assert len(open_bank(tmp_path)) == len(bank())
    path = bank_dir(tmp_path) / "exemplars.json"
    settings = json.loads(path.read_text())
    del settings["version"]
    path.write_text(json.dumps({**settings, "impact": 2000}))
    with pytest.raises(UserError, match=r"by another version .*; delete .*sounds\.json and run .*--job=sounds"):
        open_bank(tmp_path)
