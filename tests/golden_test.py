"""Parity with the reference implementation of Conditional Foley: small sizes, random weights, float32.

The files were computed by the unmodified classes of XYPB/CondFoleyGen at commit c565db7. Any folder with
files of the same form can be tested: set VIS2SOUND_GOLDEN. Tolerances are the files' own (rounding noise of
the reference itself is ten times smaller) and are not to be relaxed.
"""

import functools
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from vis2sound_jax.audio.mel import MelSpec, crop_centre, log_mel, rms_normalise_batch
from vis2sound_jax.decoding.loop import generate
from vis2sound_jax.decoding.sampling import greedy, restrict
from vis2sound_jax.models.codebook import LEGACY_WEIGHTS
from vis2sound_jax.models.r2plus1d import R2Plus1D
from vis2sound_jax.models.transformer import KVCache, Transformer
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.weights.convert import params_from_state_dict, place
from vis2sound_jax.weights.sizes import sizes_from_state_dict

FOLDER = pathlib.Path(os.environ.get("VIS2SOUND_GOLDEN", pathlib.Path(__file__).parent / "golden"))
SIGNS = {
    "vqgan": "sd/quantize.embedding.weight",
    "gpt": "sd/tok_emb.weight",
    "video": "sd/model.stem.0.weight",
    "avcond": "sd/first_stage_permuter.forward_shuffle_idx",
}
N_ROWS, N_COLUMNS, N_FRAMES = 5, 10, 30  # code grid and video frames of one clip


class Golden:
    """One file: its config, weights, inputs and expected outputs, floating ones as float32."""

    def __init__(self, path: pathlib.Path) -> None:
        with np.load(path) as file:
            arrays = {k: v.astype(np.float32) if v.dtype == np.float16 else v for k, v in file.items()}
        self.config = json.loads(str(arrays.pop("config")))
        self.sd, self.inputs, self.out = (
            {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}
            for start in ("sd/", "in/", "out/")
        )


def files(form: str) -> list[pathlib.Path]:
    return [path for path in sorted(FOLDER.glob("*.npz")) if SIGNS[form] in np.load(path).files]


def each(form: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", files(form), ids=lambda path: path.stem)


def compiled(model: nn.Module, method: str = "__call__", **static: Any) -> Callable[..., Any]:
    return jax.jit(functools.partial(model.apply, method=method, **static))


def close(ours: jax.Array | np.ndarray, theirs: np.ndarray, atol: float) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=atol)


def codebook(golden: Golden) -> tuple[VQGAN, dict]:
    model = VQGAN(**(sizes_from_state_dict(golden.sd, "codebook") | LEGACY_WEIGHTS))
    expected = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 80, 160)))
    return model, params_from_state_dict(golden.sd, "codebook", expected)


def transformer(golden: Golden, config: dict) -> tuple[Transformer, dict]:
    sizes = sizes_from_state_dict(golden.sd, "transformer")
    model = Transformer(**sizes, heads=config["GPT_config"]["n_head"])
    features = jnp.zeros((1, 2, config["feat_embedding_config"]["params"]["in_channels"]))
    init = functools.partial(model.init, prefix=features)
    expected = jax.eval_shape(init, jax.random.key(0), jnp.zeros((1, 2), jnp.int32))
    return model, params_from_state_dict(golden.sd, "transformer", expected)


def video_net(golden: Golden) -> tuple[R2Plus1D, dict]:
    model = R2Plus1D(**sizes_from_state_dict(golden.sd, "r2plus1d"))
    init = functools.partial(model.init, use_running_average=True)
    expected = jax.eval_shape(init, jax.random.key(0), jnp.zeros((1, 2, 16, 16, 3)))
    return model, params_from_state_dict(golden.sd, "r2plus1d", expected)


def features_of_pair(model: R2Plus1D, variables: dict, frames: np.ndarray) -> jax.Array:
    """Condition and target in two calls, batch statistics: what the released models see. [b, t, c, h, w]."""
    run = compiled(model, use_running_average=False)
    clips = jnp.split(frames.transpose(0, 1, 3, 4, 2), 2, axis=1)
    return jnp.concatenate([run(variables, clip) for clip in clips], axis=1)


@each("vqgan")
@pytest.mark.parametrize("suffix", ["", "_long"])
def test_vqgan(path: pathlib.Path, suffix: str) -> None:
    golden = Golden(path)
    model, variables = codebook(golden)
    mel = golden.inputs["x" + suffix][:, 0]
    out = {name: golden.out[name + suffix] for name in ("z", "indices", "emb_loss", "perplexity", "decoded")}

    z = compiled(model, "latent")(variables, mel)
    close(z.transpose(0, 3, 1, 2), out["z"], 1e-4)
    reconstruction, found = compiled(model)(variables, mel)
    np.testing.assert_array_equal(found.indices.reshape(len(mel), -1), out["indices"])
    close(sum(found.losses.values()), out["emb_loss"], 1e-4)
    close(found.perplexity, out["perplexity"], 1e-4)
    close(reconstruction[:, None], out["decoded"], 1e-4)
    close(compiled(model, "decode_code")(variables, found.indices)[:, None], out["decoded"], 1e-4)
    np.testing.assert_array_equal(compiled(model, "encode")(variables, mel), found.indices)


@each("gpt")
def test_transformer_logits_attention_and_top_k(path: pathlib.Path) -> None:
    golden = Golden(path)
    model, variables = transformer(golden, golden.config)
    features = golden.inputs["feats"].transpose(0, 2, 1)
    run = compiled(model, mutable=["intermediates"])
    logits, collected = run(variables, golden.inputs["tokens"][:, :-1], prefix=features)
    close(logits, golden.out["logits"], 1e-4)
    (attention,) = collected["intermediates"][f"blocks_{model.layers - 1}"]["attn"]["attention"]
    close(attention[:, :, -1], golden.out["last_layer_attention"], 1e-4)
    drawn_from = jax.nn.softmax(restrict(logits[:, -1], temperature=0.8, top_k=16))
    close(drawn_from, golden.out["probs_top16_temp0.8"], 1e-4)


@each("gpt")
def test_transformer_loss_gradient_and_one_step(path: pathlib.Path) -> None:
    golden = Golden(path)
    model, variables = transformer(golden, golden.config)
    tokens, features = golden.inputs["tokens"], golden.inputs["feats"].transpose(0, 2, 1)
    n_target = tokens.shape[1] // 2

    def loss_of(params: dict) -> jax.Array:
        logits = compiled(model)({"params": params}, tokens[:, :-1], prefix=features)[:, -n_target:]
        return optax.softmax_cross_entropy_with_integer_labels(logits, tokens[:, -n_target:]).mean()

    params = variables["params"]
    loss, gradient = jax.jit(jax.value_and_grad(loss_of))(params)
    close(loss, golden.out["loss"], 1e-4)
    close(optax.global_norm(gradient), golden.out["grad_global_norm"], 1e-5)
    flat = by_path(gradient)
    for ours, theirs in entries(golden, "grad/"):
        close(flat[ours], theirs, 1e-5)

    decays = jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key == "weight", params)
    decayed = {path for path, decay in by_path(decays).items() if decay}
    names = golden.out["decayed_param_names"]
    assert decayed == {place(name, golden.sd[name], "transformer")[0] for name in names}
    rule = optax.adamw(1.6e-4, b1=0.9, b2=0.95, eps=1e-8, weight_decay=0.01, mask=decays)
    delta, _ = rule.update(gradient, rule.init(params), params)
    moved = by_path(delta)
    for ours, theirs in entries(golden, "delta/"):
        clear = np.abs(flat[ours]) > 1e-6  # below, Adam's first step is the sign of rounding noise
        np.testing.assert_allclose(moved[ours][clear], theirs[clear], rtol=1e-4, atol=1e-6)


def by_path(tree: dict) -> dict[str, np.ndarray]:
    leaves = jax.tree_util.tree_leaves_with_path({"params": tree})
    return {"/".join(entry.key for entry in path): np.asarray(leaf) for path, leaf in leaves}


def entries(golden: Golden, start: str) -> list[tuple[str, np.ndarray]]:
    found = [(k.removeprefix(start), v) for k, v in golden.out.items() if k.startswith(start)]
    assert found
    placed = [place(name, value, "transformer") for name, value in found]
    return [(path, value) for path, value in placed if path is not None]


@functools.partial(jax.jit, static_argnums=0)
def column(model: Transformer, variables: dict, tokens: jax.Array, features: jax.Array) -> jax.Array:
    """One column of codes, likeliest ones, after the codes of its window."""

    def step(cache: KVCache, token: jax.Array, _: None) -> tuple[jax.Array, KVCache]:
        return compiled(model, "decode_step")(variables, cache, token)

    logits, cache = compiled(model, "prefill")(variables, tokens, prefix=features)
    return generate(step, cache, logits, jax.random.key(0), N_ROWS, choose=lambda _, logits: greedy(logits))


@each("gpt")
@pytest.mark.parametrize("name", ["W1", *(f"W3_{slide}_fixcond{fix}" for slide in ("half", "last") for fix in (0, 1))])
def test_cached_greedy_windows(path: pathlib.Path, name: str) -> None:
    golden = Golden(path)
    model, variables = transformer(golden, golden.config)
    long = "" if name == "W1" else "_W3"
    features = golden.inputs["feats" + long][:1].transpose(0, 2, 1)
    known = golden.inputs["cond_tokens" + long]
    n_known = known.shape[1]
    codes = np.concatenate([known, np.zeros_like(known)], axis=1)
    if name == "W1":
        rows = [(s, 0, N_COLUMNS, s // N_ROWS, 0, N_FRAMES) for s in range(n_known, 2 * n_known, N_ROWS)]
    else:
        rows = golden.out[f"greedy_{name}_windows"][::N_ROWS]

    for step, cond_column, target_column, local_column, cond_frame, target_frame in rows:
        window = slice(cond_column * N_ROWS, (cond_column + N_COLUMNS) * N_ROWS)
        begin = target_column * N_ROWS
        n_behind = (local_column - N_COLUMNS) * N_ROWS
        tokens = np.concatenate([codes[:, window], codes[:, begin : begin + n_behind]], axis=1)
        frames = [*range(cond_frame, cond_frame + N_FRAMES), *range(target_frame, target_frame + N_FRAMES)]
        codes[:, step : step + N_ROWS] = column(model, variables, tokens, features[:, frames])
    np.testing.assert_array_equal(codes, golden.out[f"greedy_{name}"])


@each("video")
def test_video_net_in_both_modes(path: pathlib.Path) -> None:
    golden = Golden(path)
    model, variables = video_net(golden)
    clip = golden.inputs["clip"].transpose(0, 2, 3, 4, 1)
    stored = compiled(model, use_running_average=True)(variables, clip)
    close(stored.transpose(0, 2, 1), golden.out["features_bn_eval"], 3e-4)
    training = compiled(model, use_running_average=False, mutable=["batch_stats"])
    batch, updated = training(variables, clip)
    close(batch.transpose(0, 2, 1), golden.out["features_bn_train"], 3e-4)
    statistics = updated["batch_stats"]
    close(statistics["stem"]["spatial_norm"]["mean"], golden.out["stem_running_mean_after"], 3e-4)
    close(statistics["layer4_0"]["downsample_norm"]["var"], golden.out["layer4_ds_running_var_after"], 3e-4)
    pair = features_of_pair(model, variables, golden.inputs["pair"])
    close(pair.transpose(0, 2, 1), golden.out["get_input_bn_train"], 3e-4)


@each("avcond")
def test_sound_and_film_to_logits_and_back(path: pathlib.Path) -> None:
    golden = Golden(path)
    vqgan, vqgan_variables = codebook(golden)
    gpt, gpt_variables = transformer(golden, golden.config["transformer_config"]["params"])

    sounds = jnp.concatenate([golden.inputs["wav"], golden.inputs["cond_wav"]])
    mel = 2.0 * crop_centre(log_mel(rms_normalise_batch(sounds), MelSpec())) - 1.0
    target_mel, cond_mel = jnp.split(mel, 2)
    close(target_mel[:, None], golden.out["spec"], 3e-4)
    close(cond_mel[:, None], golden.out["cond_spec"], 3e-4)

    features = features_of_pair(*video_net(golden), golden.inputs["frames"])
    close(features.transpose(0, 2, 1), golden.out["video_feats"], 3e-4)

    grid = compiled(vqgan, "encode")(vqgan_variables, mel)
    target, cond = jnp.split(grid.transpose(0, 2, 1).reshape(len(grid), -1), 2)  # time-major
    np.testing.assert_array_equal(target, golden.out["z_indices"])
    np.testing.assert_array_equal(cond, golden.out["zp_indices"])
    np.testing.assert_array_equal(target, golden.out["target"])

    tokens = jnp.concatenate([cond, target], axis=1)
    logits = compiled(gpt)(gpt_variables, tokens[:, :-1], prefix=features)[:, -target.shape[1] :]
    close(logits, golden.out["logits"], 3e-4)
    loss = optax.softmax_cross_entropy_with_integer_labels(logits, target).mean()
    close(loss, golden.out["loss"], 3e-4)

    decoded = compiled(vqgan, "decode_code")(vqgan_variables, jnp.split(grid, 2)[0])
    close(decoded[:, None], golden.out["decoded_from_z_indices"], 3e-4)
