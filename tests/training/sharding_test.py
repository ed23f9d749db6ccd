"""Sharding by table: first match wins, a miss or an indivisible axis names path, shape and rule."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P

from vis2sound_jax.errors import UserError
from vis2sound_jax.training.optim import adamw
from vis2sound_jax.training.sharding import batch_rows, fetch, make_mesh, resolve_axes, shard_batch, shard_by_rules
from vis2sound_jax.training.tables import FSDP, Fsdp

PARAMS = {"mlp": {"kernel": jnp.ones((8, 6)), "bias": jnp.ones(6)}}


def test_first_match_wins_and_moments_follow_their_parameter() -> None:
    mesh = make_mesh({"data": 4, "model": 2})
    rules = [("mlp/kernel$", P("data", "model")), ("kernel", P()), ("bias", P("model"))]
    shardings = shard_by_rules({"params": PARAMS, "opt": adamw(1e-3).init(PARAMS)}, rules, mesh)
    assert shardings["params"]["mlp"]["kernel"].spec == P("data", "model")
    moments = shardings["opt"][0]
    assert moments.mu["mlp"]["kernel"].spec == P("data", "model")
    assert moments.nu["mlp"]["bias"].spec == P("model")
    assert moments.count.spec == P()


def test_miss_and_indivisible_raise() -> None:
    mesh = make_mesh({"data": 4})
    with pytest.raises(UserError, match=r"mlp/bias of shape \(6,\) matches none of the sharding rules"):
        shard_by_rules(PARAMS, [("kernel", P())], mesh)
    with pytest.raises(UserError, match=r"mlp/bias of shape \(6,\) cannot be divided by rule 'bias' → .*data"):
        shard_by_rules(PARAMS, [("bias", P("data")), (".*", P())], mesh)
    with pytest.raises(UserError, match="mlp/bias .* cannot be divided"):
        shard_by_rules(PARAMS, [("bias", P(None, "data")), (".*", P())], mesh)


def test_fsdp_divides_the_longest_axis_that_it_can() -> None:
    mesh = make_mesh({"data": 2, "fsdp": 4})
    tree = {"wide": jnp.ones((3, 12)), "tall": jnp.ones((20, 7)), "small": jnp.ones(8), "odd": jnp.ones((5, 3))}
    found = shard_by_rules(tree, [("odd", P()), ("", Fsdp(least=9))], mesh)
    assert {name: place.spec for name, place in found.items()} == {
        "wide": P(None, "fsdp"),
        "tall": P("fsdp"),
        "small": P(),
        "odd": P(),
    }
    with pytest.raises(UserError, match=r"odd of shape \(5, 3\) cannot be divided by rule '' → Fsdp.*config.mesh"):
        shard_by_rules(tree, [("", Fsdp(least=9))], mesh)
    assert shard_by_rules(tree, FSDP, make_mesh())["odd"].spec == P()


def test_axes_are_resolved() -> None:
    assert resolve_axes({"data": -1, "model": 2}, 8) == {"data": 4, "fsdp": 1, "model": 2}
    assert resolve_axes({"fsdp": 3}, 8) == {"data": 1, "fsdp": 3, "model": 1}
    for axes, reason in (
        ({"batch": 2}, "there is no axis 'batch'; the axes are data, fsdp, model"),
        ({"data": -1, "fsdp": -1}, "one of them may be -1"),
        ({"data": -1, "model": 3}, "3 do not divide 8"),
        ({"data": 0}, "sizes are at least 1"),
        ({"fsdp": 16}, "asks for 16 devices"),
    ):
        with pytest.raises(UserError, match=reason):
            resolve_axes(axes, 8)


def test_batch_is_divided_over_data_and_fsdp() -> None:
    batch, mesh = {"x": np.arange(24.0).reshape(8, 3)}, make_mesh({"data": 2, "fsdp": 2, "model": 2})
    placed = shard_batch(batch, mesh)["x"]
    assert {shard.data.shape for shard in placed.addressable_shards} == {(2, 3)}
    np.testing.assert_array_equal(placed, batch["x"])
    assert batch_rows(mesh, 8) == range(8)
    with pytest.raises(UserError, match="a batch of 6 cannot be divided over 8 devices .* set the batch size"):
        batch_rows(make_mesh(), 6)


def test_fetch_gives_back_whole_arrays() -> None:
    placed = shard_batch({"x": np.arange(8.0)}, make_mesh())
    np.testing.assert_array_equal(fetch(placed)["x"], np.arange(8.0))


def test_mesh_takes_all_devices_or_as_many_as_asked() -> None:
    assert dict(make_mesh().shape) == {"data": jax.device_count(), "fsdp": 1, "model": 1}
    assert make_mesh({"data": 2}).devices.ravel().tolist() == jax.devices()[:2]
    with pytest.raises(UserError, match="asks for 999 devices; make it smaller"):
        make_mesh({"data": 999})
