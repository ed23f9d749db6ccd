"""Parity with CondFoleyGen's own evaluation script: its rows from its onsets, its count match."""

import os
from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.systems.condfoley.scoring.legacy import legacy_score

GOLDEN = Path(os.environ.get("VIS2SOUND_GOLDEN", Path(__file__).parents[3] / "golden"))
FILES = sorted(GOLDEN.glob("onset_eval*.npz"))


@pytest.fixture(params=FILES or [None], ids=lambda path: path.stem if path else "none")
def golden(request):
    if request.param is None:
        pytest.skip(f"no onset_eval*.npz in {GOLDEN}")
    with np.load(request.param) as data:
        return dict(data)


def test_rows_equal_the_reference(golden):
    for i, j, window_s, accuracy, precision in golden["out/eval_rows_tar_gen_delta_acc_ap"]:
        target, generated = (golden[f"out/onsets_samples{int(k)}"] for k in (i, j))
        score = legacy_score(target, generated, golden[f"in/wav{int(j)}"], window_s)
        assert score.accuracy == pytest.approx(accuracy, abs=1e-9), (i, j, window_s)
        assert score.average_precision == pytest.approx(precision, abs=1e-6), (i, j, window_s)


def test_count_match_equals_the_reference(golden):
    expected = golden["out/count_match"]
    for i, j in np.ndindex(expected.shape):
        target, generated = (golden[f"out/onsets_samples{k}"] for k in (i, j))
        assert legacy_score(target, generated, golden[f"in/wav{j}"]).same_count == expected[i, j]
