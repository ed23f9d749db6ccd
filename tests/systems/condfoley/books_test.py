"""Laws of fitting the patch coder's books: any lengths, one checkpoint, going on from an earlier run."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.patch_coder import PatchCoder
from vis2sound_jax.systems.condfoley import books
from vis2sound_jax.training.checkpoint import digest, load_meta, load_params

NET = PatchCoder(n_mels=8, rows=3, frames=4, codes=8, outline=2)


def sounds(seed: int, count: int = 4) -> list[np.ndarray]:
    """Log-mels of different lengths, none of them whole columns."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(0, 1, (8, 41 + 4 * k)).astype(np.float16) for k in range(count)]


def test_fitting_leaves_a_checkpoint_and_a_line_of_metrics(tmp_path: Path) -> None:
    state = books.fit(NET, sounds(0), sounds(1, 2), tmp_path, seed=0)
    saved = load_params(tmp_path / "checkpoints")
    assert digest(saved) == digest(state.params)
    assert load_meta(tmp_path / "checkpoints")["step"] == int(state.step)
    shapes = jax.eval_shape(NET.init, jax.random.key(0), np.zeros((1, 8, 4)))["params"]
    assert jax.tree.map(lambda leaf: leaf.shape, saved) == jax.tree.map(lambda leaf: leaf.shape, shapes)
    line = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert 0 < line["train/error"] < line["held_out/error"] < 0.5
    assert 1 <= line["train/perplexity_outline"] <= NET.codes


def test_the_same_seed_ends_alike_and_an_earlier_run_is_gone_on_from(tmp_path: Path) -> None:
    first, again = (books.fit(NET, sounds(0), [], tmp_path / name, seed=0) for name in ("a", "b"))
    assert digest(first.params) == digest(again.params)
    start = jax.device_get(first.params)
    moved = books.fit(NET, sounds(2), [], tmp_path / "c", seed=0, start=start)
    anew = books.fit(NET, sounds(2), [], tmp_path / "d", seed=0)
    way = {
        name: np.abs(state.params["outlines"] - start["outlines"]).mean()
        for name, state in (("moved", moved), ("anew", anew))
    }
    assert 0 < way["moved"] < way["anew"]


def test_too_little_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="k-means of 8 codes got"):
        books.fit(NET, sounds(0, 1)[:1], [], tmp_path / "short", seed=0)
    assert not (tmp_path / "short" / "checkpoints").exists()
