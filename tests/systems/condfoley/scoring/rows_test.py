"""Laws of the table's rows: what an ablation hides, the chains that are loaded, hits pasted where they are seen."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vis2sound_jax.systems.condfoley.scoring import rows

RATE_HZ = 22_050
BATCH = {"condition": np.ones((2, 3)), "condition_video": np.ones((2, 4)), "target_video": np.full((2, 4), 5.0)}


def composer(*, maskable: bool) -> Any:
    return SimpleNamespace(maskable=maskable, hidden=lambda batch: {**batch, "condition": np.zeros((2, 3))})


def test_an_ablation_changes_the_condition_only() -> None:
    shuffled = {**BATCH, "condition": BATCH["condition"] + 1}
    found = rows.ablated(composer(maskable=True), BATCH, shuffled)
    assert list(found) == [rows.NO_CONDITION_ROW, rows.NO_CONDITION_VIDEO_ROW, rows.SHUFFLED_ROW]
    assert not found[rows.NO_CONDITION_ROW]["condition"].any()
    assert not found[rows.NO_CONDITION_VIDEO_ROW]["condition_video"].any()
    assert found[rows.NO_CONDITION_VIDEO_ROW]["condition"].all() and found[rows.SHUFFLED_ROW] is shuffled
    for batch in found.values():
        np.testing.assert_array_equal(batch["target_video"], BATCH["target_video"])
    assert BATCH["condition_video"].all()


def test_a_network_that_never_saw_hidden_conditions_has_no_row_without_one() -> None:
    found = rows.ablated(composer(maskable=False), BATCH, BATCH)
    assert list(found) == [rows.NO_CONDITION_VIDEO_ROW, rows.SHUFFLED_ROW]


def test_the_chains_that_the_config_names_are_loaded() -> None:
    config = SimpleNamespace(ablations=("no_condition", "no_augmentation"))
    foley: Any = SimpleNamespace(config=config, ablated=lambda name, workdir: f"{name} of {workdir}")
    chains = rows.ablated_chains(foley, Path("run"))
    assert chains == {name: f"{name} of run" for name in config.ablations}
    assert set(chains) == set(rows.ABLATION_ROWS)


@pytest.fixture(scope="module")
def example() -> np.ndarray:
    wav = np.zeros(RATE_HZ, np.float32)
    wav[8_000:8_800] = 0.5 * (np.exp(-np.arange(800) / 150) * np.cos(np.arange(800)))
    return wav


def test_hits_are_pasted_where_the_video_encoder_is_sure(example: np.ndarray) -> None:
    seen = np.array([0.3, 0.6, 0.8]), np.array([0.9, rows.TRANSFER_CONFIDENCE, rows.TRANSFER_CONFIDENCE - 0.01])
    found = rows.copied(example, RATE_HZ, seen, RATE_HZ, (0, 1))
    assert set(found) == {rows.TRANSFER_ROW, rows.PUBLISHED_TRANSFER_ROW}
    for wav in found.values():
        assert wav.shape == (RATE_HZ,) and np.abs(wav).max() <= 1
        loud = [np.abs(wav[round((time_s - 0.05) * RATE_HZ) :][: round(0.1 * RATE_HZ)]).max() for time_s in seen[0]]
        assert min(loud[:2]) > 0.2 and loud[2] < 0.01


def test_the_seed_chooses_and_nothing_seen_is_silence(example: np.ndarray) -> None:
    seen = np.array([0.3, 0.6]), np.ones(2)
    one, same = (rows.copied(example, RATE_HZ, seen, 15_000, (0, 1)) for _ in range(2))
    for row, wav in one.items():
        np.testing.assert_array_equal(wav, same[row])
    silent = rows.copied(example, RATE_HZ, (np.zeros(0), np.zeros(0)), 15_000, (0, 1))
    assert not any(wav.any() for wav in silent.values())
