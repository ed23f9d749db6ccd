"""Released weights become what training leaves: the same numbers, ready for `generate`."""

import functools
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from configs.condfoley import get_config
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.models.vggishish import Vggishish
from vis2sound_jax.run.stage import settings_for
from vis2sound_jax.run.steps import Request
from vis2sound_jax.systems.condfoley import build, convert
from vis2sound_jax.systems.condfoley.chain import load
from vis2sound_jax.training.checkpoint import load_meta, load_params
from vis2sound_jax.video.mux import write_film
from vis2sound_jax.weights.convert import state_dict_from_params

CLIP = jnp.zeros((1, 2, 16, 16, 3))


def settings(**request: str) -> ConfigDict:
    """The small paper preset, as the files of these tests have its sizes; its windows have 12 columns."""
    config = get_config("paper_smoke")
    config.compat = True
    config.transformer.columns = 12
    return settings_for(config, "convert", **request)


def drawn(init: Any) -> dict[str, Any]:
    """Variables as random numbers; statistics positive."""
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(functools.partial(init, jax.random.key(0)))
    return jax.tree.map(lambda leaf: np.abs(0.1 * rng.standard_normal(leaf.shape)).astype(np.float32) + 0.01, shapes)


@functools.cache
def models() -> dict[str, dict[str, Any]]:
    config = settings()
    video, onset = build.video_net(config), build.encoder_net(config)
    codebook, vocoder, gpt = build.codebook_net(config), build.vocoder_net(config), build.transformer_net(config)
    prefix = jnp.zeros((1, 2, config.encoder.width))
    return {
        "codebook": drawn(lambda key: codebook.init(key, jnp.zeros((1, 80, 16)))),
        "r2plus1d": drawn(lambda key: video.init(key, CLIP, use_running_average=True)),
        "transformer": drawn(lambda key: gpt.init(key, jnp.zeros((1, 2), jnp.int32), prefix=prefix)),
        "melgan": drawn(lambda key: vocoder.init(key, jnp.zeros((1, 80, 4)))),
        "video_onset": drawn(lambda key: onset.init(key, CLIP, use_running_average=True)),
        "vggishish": drawn(lambda key: Vggishish(3, (2, 3, 3, 4, 2), 6).init(key, jnp.zeros((1, 80, 16)))),
    }


def theirs(kind: str) -> dict[str, np.ndarray]:
    """A file of one kind as the reference names its arrays; a transformer's holds three models."""
    if kind != "transformer":
        return state_dict_from_params(models()[kind], kind)
    parts = {"codebook": "first_stage_model.", "r2plus1d": "cond_stage_model.model.", "transformer": "transformer."}
    found = {
        k: v for part, prefix in parts.items() for k, v in state_dict_from_params(models()[part], part, prefix).items()
    }
    return found | {"first_stage_permuter.forward_shuffle_idx": np.arange(60)}


def converted(folder: Path, kind: str, output: str = "out", **changes: np.ndarray) -> dict[str, Any]:
    source = folder / f"{kind}.npz"
    np.savez(source, **(theirs(kind) | changes))
    return convert.run(settings(kind=kind, source=str(source), output=str(folder / output)), folder)


def same(folder: Path, wanted: Any, item: str = "params") -> None:
    jax.tree.map(np.testing.assert_array_equal, dict(load_params(folder / "checkpoints", item=item)), wanted)


def test_a_transformers_file_brings_all_that_generation_needs(tmp_path: Path) -> None:
    converted(tmp_path, "transformer")
    out, found = tmp_path / "out", models()
    same(out / "codebook", {"generator": found["codebook"]["params"]})
    same(out / "transformer", {"transformer": found["transformer"]["params"], "video": found["r2plus1d"]["params"]})
    same(out / "transformer", {"video": found["r2plus1d"]["batch_stats"]}, "variables")
    meta = load_meta(out / "transformer" / "checkpoints")
    assert meta["converted_from"] == "transformer.npz" and len(meta["sha256"]) == 64
    written = json.loads((out / "config.json").read_text())
    assert written["transformer"]["columns"] == 12 and written["codebook"]["codes"] == 64


def test_converted_weights_make_takes_with_and_without_an_onset_network(tmp_path: Path) -> None:
    film, example = tmp_path / "film.mp4", tmp_path / "knock.wav"
    write_film(film, np.random.default_rng(0).integers(0, 256, (60, 36, 64, 3), np.uint8), 25)
    write_wav(example, (0.3 * np.random.default_rng(0).standard_normal(60_000)).astype(np.float32), 22050)
    for kind in ("transformer", "melgan"):
        converted(tmp_path, kind)
    foley = load(tmp_path / "out", settings())
    takes = foley.generate(film, Request(example=example, takes=2, options={"engine": "codes"}))
    assert takes.wavs.shape == (2, round(2.4 * 22050)) and np.isfinite(takes.wavs).all() and not len(takes.events)
    with pytest.raises(UserError, match="no network that finds onsets; .* --kind=video_onset"):
        foley.onsets(film)
    converted(tmp_path, "video_onset")
    again = load(tmp_path / "out", settings())
    np.testing.assert_array_equal(
        again.generate(film, Request(example=example, takes=2, options={"engine": "codes"})).wavs, takes.wavs
    )
    assert again.onsets(film).confidence.ndim == 1


@pytest.mark.parametrize(
    ("kind", "stage"),
    [("r2plus1d", "r2plus1d"), ("vggishish", "vggishish"), ("video_onset", "encoder")],
)
def test_every_kind_comes_through_unchanged(tmp_path: Path, kind: str, stage: str) -> None:
    converted(tmp_path, kind)
    same(tmp_path / "out" / stage, models()[kind]["params"])


def test_sizes_are_the_files_and_told_where_the_config_differs(tmp_path: Path) -> None:
    np.savez(tmp_path / "melgan.npz", **theirs("melgan"))
    asked = {"kind": "melgan", "source": str(tmp_path / "melgan.npz"), "output": str(tmp_path / "out")}
    config = settings_for(get_config("paper"), "convert", **asked)
    told = convert.run(config, tmp_path)["use"]
    assert told == "--config.vocoder.width=4 --config.vocoder.residual_layers=1"


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("codebook", "melgan", "the weights hold no codebook model: .*; it looks like --kind=melgan"),
        ("melgan", "transformer", "the weights hold no melgan model: .*; it looks like --kind="),
    ],
)
def test_the_wrong_kind_is_told_with_the_right_one(tmp_path: Path, kind: str, given: str, message: str) -> None:
    source = tmp_path / "weights.npz"
    np.savez(source, **theirs(given))
    with pytest.raises(UserError, match=f"weights.npz: {message}"):
        convert.run(settings(kind=kind, source=str(source), output=str(tmp_path / "out")), tmp_path)
    assert not (tmp_path / "out").exists()


def test_windows_of_ten_columns_are_read_from_the_positions_with_or_without_the_order(tmp_path: Path) -> None:
    positions = {"transformer.pos_emb": np.zeros((1, 160, 32), np.float32)}
    for name, order in (("with", {"first_stage_permuter.forward_shuffle_idx": np.arange(50)}), ("without", {})):
        state = {k: v for k, v in theirs("transformer").items() if not k.startswith("first_stage_permuter")}
        source = tmp_path / f"{name}.npz"
        np.savez(source, **(state | positions | order))
        convert.run(settings(kind="transformer", source=str(source), output=str(tmp_path / name)), tmp_path)
        assert json.loads((tmp_path / name / "config.json").read_text())["transformer"]["columns"] == 10


def test_orders_that_do_not_fit_the_positions_are_refused(tmp_path: Path) -> None:
    order = {"first_stage_permuter.forward_shuffle_idx": np.arange(50)}
    with pytest.raises(UserError, match="180 positions and 50 codes a clip do not fit 60 video tokens"):
        converted(tmp_path, "transformer", **order)


def test_requests_that_are_not_whole_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--job=convert needs --kind=KIND, --source=FILE and --output=DIR"):
        convert.run(settings(kind="melgan"), tmp_path)
    with pytest.raises(
        UserError, match="--kind=gan: condfoley has no such kind; it must be one of codebook, transformer"
    ):
        convert.run(settings(kind="gan", source="a", output="b"), tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="holds something else; name a new folder as --output"):
        converted(tmp_path, "melgan", output=".")
