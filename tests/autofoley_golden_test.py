"""Parity of AutoFoley's blocks with their published code: temporal relations and the fast-slow LSTM.

`trn/*` and `trn3/*` were computed by the unmodified module of zhoubolei/TRN-pytorch, `fslstm/*` by a transcription in
NumPy (float64) of the cells of amujika/Fast-Slow-LSTM. There is no public AutoFoley to compare with. Set
VIS2SOUND_GOLDEN to test other files of the same form.
"""

import os
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.fs_lstm import even_masks, fs_lstm
from vis2sound_jax.models.trn import TRN, MultiScaleTRN

FOLDER = pathlib.Path(os.environ.get("VIS2SOUND_GOLDEN", pathlib.Path(__file__).parent / "golden"))
FILES = [path for path in sorted(FOLDER.glob("*.npz")) if "fslstm/in" in np.load(path).files]
PARTS = {"W_xh": "wx", "W_hh": "wh", "bias": "b", "ln_alpha": "gain", "ln_bias": "shift"}
PARTS |= {"lnc_alpha": "cell_gain", "lnc_bias": "cell_shift"}
each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def dense(file: Any, key: str) -> dict[str, Any]:
    return {"kernel": jnp.asarray(file[f"{key}.weight"].T), "bias": jnp.asarray(file[f"{key}.bias"])}


def relation(file: Any, key: str) -> dict[str, Any]:
    return {"enter": dense(file, f"{key}.1"), "leave": dense(file, f"{key}.3")}


def test_there_is_a_file() -> None:
    assert FILES


@each
def test_the_fast_slow_lstm_is_the_published_one(path: pathlib.Path) -> None:
    with jax.enable_x64(True), np.load(path) as file:
        names = {"fast0": "fast_0", "fast1": "fast_1", "slow": "slow"}
        params = {
            ours: {part: jnp.asarray(file[f"fslstm/{theirs}/{key}"]) for key, part in PARTS.items()}
            for theirs, ours in names.items()
        }
        x = jnp.asarray(file["fslstm/in"])
        blended = even_masks(x.shape[1], 3, 0.9, 0.5)
        for kind, masks in (("nozoneout", None), ("zoneout_eval", blended)):
            h, last = fs_lstm(params, x, masks=masks)
            np.testing.assert_allclose(h, file[f"fslstm/out_{kind}"], atol=1e-12)
            np.testing.assert_allclose(last.slow_h, file[f"fslstm/slow_h_{kind}"], atol=1e-12)


@each
def test_relations_of_all_scales_are_the_published_ones(path: pathlib.Path) -> None:
    with np.load(path) as file:
        x, scales = jnp.asarray(file["trn/in"]), file["trn/scales"]
        frames = x.shape[1]
        subsets = (np.arange(frames)[None], *(file[f"trn/frames_scale{s}"] for s in range(frames - 1, 1, -1)))
        assert len(subsets) == len(scales)
        params = {f"scale_{k}": relation(file, f"trn/sd/fc_fusion_scales.{k}") for k in range(len(scales))}
        ours = MultiScaleTRN(12).apply({"params": params}, x, subsets)
        np.testing.assert_allclose(ours, file["trn/out"], rtol=1e-4, atol=1e-5)


@each
def test_the_relation_of_all_frames_is_the_published_one(path: pathlib.Path) -> None:
    with np.load(path) as file:
        params = {"relation": relation(file, "trn3/sd/classifier")}
        ours = TRN(12).apply({"params": params}, jnp.asarray(file["trn3/in"]))
        np.testing.assert_allclose(ours, file["trn3/out"], rtol=1e-4, atol=1e-5)
