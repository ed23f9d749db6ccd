"""What a step of the transformer sends between eight devices, read from its compiled program."""

import dataclasses
import functools

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding

from tests.tasks.mesh_test import CODES, MESHES, batch_of_codes
from vis2sound_jax.models.transformer import Transformer
from vis2sound_jax.planning.collectives import Collective, collectives, group_axes
from vis2sound_jax.tasks.transformer import SHARDING
from vis2sound_jax.training.loop import abstract_state, make_step
from vis2sound_jax.training.sharding import make_mesh
from vis2sound_jax.training.tables import BATCH, Fsdp

WIDTH, LAYERS = 64, 2
TASK = dataclasses.replace(
    CODES,
    net=Transformer(vocab=64, slots=24, layers=LAYERS, heads=8, width=WIDTH),
    drop_condition=0.0,
    sharding_rules=tuple((pattern, Fsdp(64) if isinstance(rule, Fsdp) else rule) for pattern, rule in SHARDING),
)
MATRIX = 4 * WIDTH**2
"""Bytes of a projection of attention, the smallest matrix but the embeddings'."""


@functools.cache
def sent(kind: str) -> tuple[list[tuple[Collective, tuple[str, ...]]], int]:
    """Collectives with the axes that they span, and the bytes of all parameters."""
    mesh, key, batch = make_mesh(MESHES[kind]), jax.random.key(0), batch_of_codes(frames=False)
    place = NamedSharding(mesh, BATCH)
    shapes = {name: jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=place) for name, array in batch.items()}
    with jax.set_mesh(mesh):
        state = abstract_state(TASK, key, shapes, mesh)
        shardings = jax.tree.map(lambda leaf: leaf.sharding, state)
        text = make_step(TASK, shardings).lower(state, shapes, None, key).compile().as_text()
    bytes_ = sum(4 * int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(state.params))
    return [(one, group_axes(one.group, dict(mesh.shape))) for one in collectives(text)], bytes_


def test_data_alone_sums_the_gradients_and_nothing_else() -> None:
    found, parameters = sent("data")
    assert {one.kind for one, _ in found} == {"all-reduce"}
    # Features that no batch has leave an embedding without gradient.
    assert sum(one.bytes for one, _ in found) == pytest.approx(parameters, rel=0.01)


def test_fsdp_gathers_every_matrix_once_and_reduces_its_gradient_once() -> None:
    found, parameters = sent("fsdp")
    gathered = [one for one, _ in found if one.kind == "all-gather" and one.bytes >= MATRIX]
    # Four of attention, two of the MLP, each layer; and the head.
    assert len(gathered) == 6 * LAYERS + 1
    # On accelerators XLA makes these reduce-scatters.
    reduced = [one for one, _ in found if one.kind in ("all-reduce", "reduce-scatter") and one.bytes >= MATRIX]
    assert sum(one.bytes for one in reduced) == pytest.approx(parameters, rel=0.05)


@pytest.mark.parametrize("kind", ["model", "all"])
def test_tensor_parallelism_moves_activations_and_no_parameters(kind: str) -> None:
    found, _ = sent(kind)
    along = [one for one, axes in found if "model" in axes]
    # The likeliest code is found among the devices' likeliest ones.
    assert max((one.bytes for one in along if one.kind == "all-gather"), default=0) < MATRIX / 2
    reduced = [one for one, axes in found if axes == ("model",) and one.kind == "all-reduce" and "blocks" in one.source]
    # After attention and after the MLP, forwards and backwards, each layer.
    assert sum("proj" in one.source or "mlp_out" in one.source for one in reduced if "transpose" not in one.source) == 4
    assert len(reduced) >= 4 * LAYERS
