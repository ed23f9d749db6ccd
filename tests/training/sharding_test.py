"""Sharding by table: first match wins, a miss or an indivisible axis names path, shape and rule."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P

from vis2sound_jax.errors import UserError
from vis2sound_jax.training.optim import adamw
from vis2sound_jax.training.sharding import make_mesh, shard_batch, shard_by_rules

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
    with pytest.raises(ValueError, match=r"mlp/bias of shape \(6,\) matches none of the sharding rules"):
        shard_by_rules(PARAMS, [("kernel", P())], mesh)
    with pytest.raises(ValueError, match=r"mlp/bias of shape \(6,\) cannot be divided by rule 'bias' → .*data"):
        shard_by_rules(PARAMS, [("bias", P("data")), (".*", P())], mesh)
    with pytest.raises(ValueError, match="mlp/bias .* cannot be divided"):
        shard_by_rules(PARAMS, [("bias", P(None, "data")), (".*", P())], mesh)


def test_batch_is_divided_over_data_only() -> None:
    batch = {"x": np.arange(24.0).reshape(8, 3)}
    placed = shard_batch(batch, make_mesh({"data": 4, "model": 2}))["x"]
    assert {shard.data.shape for shard in placed.addressable_shards} == {(2, 3)}
    np.testing.assert_array_equal(placed, batch["x"])
    with pytest.raises(UserError, match=r"a batch of 6 \(x\) cannot be divided over 8 devices; set the batch size"):
        shard_batch({"x": np.ones((6, 2))}, make_mesh())


def test_mesh_takes_all_devices_or_as_many_as_asked() -> None:
    assert dict(make_mesh().shape) == {"data": jax.device_count()}
    assert make_mesh({"data": 2}).devices.tolist() == jax.devices()[:2]
    with pytest.raises(UserError, match="asks for 999 devices, but there are"):
        make_mesh({"data": 999})
