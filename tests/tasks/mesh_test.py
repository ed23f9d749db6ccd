"""Every task on every kind of mesh: five steps end like those of one device."""

import dataclasses
import functools
import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from tests.tasks import (
    autofoley_test,
    binaural_test,
    codebook_test,
    encoder_test,
    events_test,
    film_transformer_test,
    impacts_test,
    streams_test,
    sync_test,
    transformer_test,
    video_onset_test,
    vocoder_test,
    vqgan_test,
)
from vis2sound_jax.models.r2plus1d import R2Plus1D
from vis2sound_jax.models.transformer import Transformer
from vis2sound_jax.models.video_onset import VideoOnsetNet
from vis2sound_jax.tasks.transformer import SHARDING
from vis2sound_jax.training.loop import abstract_state, make_step
from vis2sound_jax.training.sharding import fetch, make_mesh, shard_batch
from vis2sound_jax.training.tables import Fsdp

MESHES = {
    "data": {"data": 8},
    "fsdp": {"fsdp": 8},
    "model": {"model": 8},
    "all": {"data": 2, "fsdp": 2, "model": 2},
}
SLOW = ("binaural", "vqgan", "codebook", "vocoder", "film", "video_onset")
STEPS, EXAMPLES, WIDTHS = 5, 8, (8, 8, 16, 16)
# Low, so that rounding is not blown up by steps that overshoot.
RATE = 2e-4
# Some first layers have odd or few channels.
LEAST = {"film": 1024, "video_onset": 1024, "vqgan": 256, "streams": 256}
TOKENS = {"condition": (8, 6), "target": (8, 6)}

# Wide enough for eight devices to share out its heads, its inside and its vocabulary.
DECODER = Transformer(vocab=32, slots=24, layers=2, heads=8, width=16)
CODES = dataclasses.replace(
    transformer_test.TASK, net=DECODER, rows=1, book=0, conditioning="prefix", drop_condition=0.25
)
COPYING = dataclasses.replace(
    CODES, net=DECODER.clone(slots=12, copy_heads=2, rows=3, book=10), rows=3, book=10, conditioning="aligned"
)
TASKS: dict[str, Any] = {
    "encoder": (encoder_test.TASK, encoder_test.batch),
    "codebook": (codebook_test.TASK, codebook_test.batch),
    "vqgan": (vqgan_test.TASK, vqgan_test.batch),
    "transformer": (CODES, lambda: batch_of_codes(frames=False)),
    "copying": (COPYING, lambda: batch_of_grids()),
    "film": (
        dataclasses.replace(
            film_transformer_test.TRAINED, inner=dataclasses.replace(CODES, drop_condition=0.0), video=R2Plus1D(WIDTHS)
        ),
        lambda: batch_of_codes(frames=True),
    ),
    "vocoder": (vocoder_test.TASK, vocoder_test.batch),
    "video_onset": (
        dataclasses.replace(video_onset_test.TASK, net=VideoOnsetNet(WIDTHS, hidden=8)),
        video_onset_test.batch,
    ),
    "sync": (sync_test.TASK, lambda: sync_test.batch(0)),
    "events": (events_test.TASK, events_test.batch),
    "streams": (streams_test.TASK, streams_test.batch),
    "impacts": (impacts_test.TASK, impacts_test.batch),
    "autofoley": (autofoley_test.TASK, autofoley_test.batch),
    "binaural": (binaural_test.TASK, binaural_test.batch),
}


def batch_of_codes(*, frames: bool) -> dict[str, np.ndarray]:
    """Eight pairs of codes with features, or with frames."""
    rng = np.random.default_rng(0)
    found: dict[str, np.ndarray] = {name: rng.integers(0, 31, shape).astype(np.int32) for name, shape in TOKENS.items()}
    for name in TOKENS:
        if frames:
            found[f"{name}_frames"] = rng.integers(0, 255, (EXAMPLES, 3, 8, 8, 3), np.uint8)
        else:
            found[f"{name}_video"] = rng.standard_normal((EXAMPLES, 3, 4)).astype(np.float32)
    return found


def batch_of_grids() -> dict[str, np.ndarray]:
    """Eight pairs of grids of two columns, every row with its own codes, and what is seen at each code."""
    rng, first = np.random.default_rng(0), np.arange(6) % 3 * 10
    found = {name: (rng.integers(0, 10, shape) + first).astype(np.int32) for name, shape in TOKENS.items()}
    videos = {f"{name}_video": rng.standard_normal((EXAMPLES, 6, 4)).astype(np.float32) for name in TOKENS}
    return found | videos | {"style": rng.standard_normal((EXAMPLES, 2)).astype(np.float32)}


def _trained(name: str, axes: dict[str, int]) -> tuple[Any, list[float], bool]:
    """The parameters and losses of five steps, and whether any parameter was divided."""
    task, make = TASKS[name]
    table = tuple(
        (pattern, Fsdp(LEAST.get(name, 64)) if isinstance(rule, Fsdp) else rule)
        for pattern, rule in task.sharding_rules
    )
    object.__setattr__(task := dataclasses.replace(task), "sharding_rules", table)
    task = _at_rate(task)
    batch = {key: np.resize(value, (EXAMPLES, *value.shape[1:])) for key, value in make().items()}
    mesh, key = make_mesh(axes), jax.random.key(0)
    with jax.set_mesh(mesh):
        shardings = jax.tree.map(lambda leaf: leaf.sharding, abstract_state(task, key, batch, mesh))
        placed = shard_batch(batch, mesh)
        state = jax.jit(task.init, out_shardings=shardings)(key, placed)
        step, losses = make_step(task, shardings), []
        for _ in range(STEPS):
            state, metrics = step(state, placed, None, key)
            losses.append(metrics.means()["loss"])
        divided = any(not leaf.is_fully_replicated for leaf in jax.tree.leaves(state.params))
    return fetch(state.params), losses, divided


def _at_rate(task: Any) -> Any:
    if hasattr(task, "inner"):
        return dataclasses.replace(task, inner=dataclasses.replace(task.inner, learning_rate=RATE))
    return dataclasses.replace(task, learning_rate=RATE)


@functools.cache
def _alone(name: str) -> tuple[Any, list[float], bool]:
    return _trained(name, {"data": 1})


# Programs for eight devices compile slowly. `VIS2SOUND_ALL_MESHES=1` tries every task on every mesh.
EVERY = [(name, kind) for name in TASKS for kind in MESHES if kind != "model" or name in ("transformer", "copying")]
CHOSEN = [pair for pair in EVERY if pair[0] == "transformer" or pair[1] == "all" and pair[0] not in SLOW]
CHOSEN.append(("copying", "model"))


@pytest.mark.parametrize(("name", "kind"), EVERY if os.environ.get("VIS2SOUND_ALL_MESHES") else CHOSEN)
def test_a_mesh_trains_like_one_device(name: str, kind: str) -> None:
    params, losses, divided = _trained(name, MESHES[kind])
    wanted_params, wanted_losses, _ = _alone(name)
    assert divided is (kind != "data")
    np.testing.assert_allclose(losses, wanted_losses, rtol=1e-4)
    # Adam makes whole steps of gradients that are zero but for rounding, such as those of biases before a norm.
    apart = [
        np.abs(a - b).ravel() for a, b in zip(jax.tree.leaves(params), jax.tree.leaves(wanted_params), strict=True)
    ]
    assert max(part.max() for part in apart) <= 2 * STEPS * RATE
    assert np.mean(np.concatenate(apart) > RATE / 20) < 0.02


def test_heads_codes_and_vocabulary_lie_on_the_model_axis() -> None:
    task, make = TASKS["transformer"]
    mesh = make_mesh({"data": 2, "fsdp": 2, "model": 2})
    params = abstract_state(task, jax.random.key(0), make(), mesh).params
    assert task.sharding_rules is SHARDING
    layer = params["blocks_0"]
    assert layer["attn"]["query"]["weight"].sharding.spec == PartitionSpec("model", "fsdp")
    assert layer["attn"]["proj"]["weight"].sharding.spec == PartitionSpec("fsdp", "model")
    assert layer["mlp_in"]["bias"].sharding.spec == PartitionSpec("model")
    assert params["tok_emb"]["embedding"].sharding.spec == PartitionSpec("model")
    books = abstract_state(vqgan_test.TASK, jax.random.key(0), vqgan_test.batch(), mesh).params
    assert books["generator"]["codebook"].sharding.spec == PartitionSpec("model")
    assert jax.tree.leaves(params)[0].dtype == jnp.float32
