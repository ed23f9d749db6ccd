"""Checkpoints: what comes back is what was saved, wherever; what does not fit is told leaf by leaf."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from vis2sound_jax.errors import UserError
from vis2sound_jax.training.checkpoint import Checkpointer, digest, is_kept, keep_elsewhere, load_meta, load_params
from vis2sound_jax.training.optim import adamw
from vis2sound_jax.training.sharding import make_mesh
from vis2sound_jax.training.task import TrainState


def _state(step: int = 1, width: int = 8) -> TrainState:
    params = {
        "encoder": {"kernel": jax.random.normal(jax.random.key(step), (4, width)), "bias": jnp.ones(width)},
        "scale": jnp.bfloat16(step),
    }
    return TrainState(step=jnp.int32(step), params=params, opt_state=adamw(1e-3, clip_norm=1.0).init(params))


def _abstract(
    state: TrainState,
    spec: PartitionSpec = PartitionSpec(),  # noqa: B008
    mesh: Mesh | None = None,
) -> TrainState:
    mesh = mesh or make_mesh()

    def place(leaf: jax.Array) -> jax.ShapeDtypeStruct:
        sharding = NamedSharding(mesh, spec if leaf.ndim == 2 else PartitionSpec())
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)

    return jax.tree.map(place, state)


@pytest.mark.parametrize("position", [{"next": 3, "parts": [1, 2]}, b"\x00\xffgrain"])
def test_state_position_and_meta_come_back(tmp_path: Path, position: object) -> None:
    state = _state(7)
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(state, position, {"stage": "codebook"})
    with Checkpointer(tmp_path) as checkpointer:
        restored = checkpointer.restore_latest(_abstract(state, PartitionSpec(None, "data")))
    assert restored is not None
    assert digest(restored.state) == digest(state)
    assert str(jax.tree.structure(restored.state)) == str(jax.tree.structure(state))
    assert restored.state.params["encoder"]["kernel"].addressable_shards[0].data.shape == (4, 1)
    assert (restored.data_state, restored.meta) == (position, {"stage": "codebook"})


def test_a_state_moves_between_meshes_bit_by_bit(tmp_path: Path) -> None:
    state, spec = _state(3), PartitionSpec("fsdp", "data")
    saved = make_mesh({"data": 4, "fsdp": 2})
    placed = jax.tree.map(lambda leaf, like: jax.device_put(leaf, like.sharding), state, _abstract(state, spec, saved))
    assert not placed.params["encoder"]["kernel"].is_fully_replicated
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(placed, 0)
    for axes in ({"data": 1}, {"data": 2, "fsdp": 4}):
        with Checkpointer(tmp_path) as checkpointer:
            restored = checkpointer.restore_latest(_abstract(state, spec, make_mesh(axes)))
        assert restored is not None and digest(restored.state) == digest(state)
        assert dict(restored.state.params["encoder"]["kernel"].sharding.mesh.shape).items() >= axes.items()


def test_checkpoints_may_lie_elsewhere(tmp_path: Path) -> None:
    here, there = tmp_path / "run" / "codebook" / "checkpoints", tmp_path / "bucket" / "codebook"
    assert not is_kept(here)
    keep_elsewhere(here, str(there))
    with Checkpointer(here) as checkpointer:
        checkpointer.save(_state(4), 0)
    assert is_kept(here) and not here.exists() and (there / "4").is_dir()
    assert load_meta(here)["step"] == load_meta(there)["step"] == 4
    assert digest(load_params(here)) == digest(_state(4).params)
    keep_elsewhere(here, str(there))
    with pytest.raises(UserError, match="checkpoints are in .*codebook already and not in gs://b; set"):
        keep_elsewhere(here, "gs://b")
    with pytest.raises(UserError, match="its checkpoints are here already and not in gs://b"):
        keep_elsewhere(there, "gs://b")


def test_a_place_elsewhere_belongs_to_one_run(tmp_path: Path) -> None:
    there, first, second = tmp_path / "bucket" / "checkpoints", tmp_path / "a/checkpoints", tmp_path / "b/checkpoints"
    keep_elsewhere(first, str(there))
    # Also before anything is saved, and again and again.
    for _ in range(2):
        with pytest.raises(UserError, match="bucket/checkpoints: another run keeps its checkpoints there; set config"):
            keep_elsewhere(second, str(there))
    assert not second.parent.exists()
    with Checkpointer(first) as checkpointer:
        checkpointer.save(_state(4), 0)
    keep_elsewhere(first, str(there))
    assert load_meta(first) == {"step": 4} and not is_kept(second)


def test_what_an_unknown_run_left_elsewhere_is_not_taken_over(tmp_path: Path) -> None:
    there, ours = tmp_path / "bucket" / "checkpoints", tmp_path / "run/checkpoints"
    with Checkpointer(there) as checkpointer:
        checkpointer.save(_state(4), 0)
    with pytest.raises(UserError, match="another run keeps its checkpoints there"):
        keep_elsewhere(ours, str(there))
    # A run of an earlier version knows its place, though the place does not know the run.
    ours.parent.mkdir()
    ours.with_suffix(".at").write_text(f"{there}\n")
    assert load_meta(ours) == {"step": 4}
    keep_elsewhere(ours, str(there))
    with pytest.raises(UserError, match="another run keeps its checkpoints there"):
        keep_elsewhere(tmp_path / "other/checkpoints", str(there))


def test_saved_state_may_be_donated_at_once(tmp_path: Path) -> None:
    bump = jax.jit(lambda tree: jax.tree.map(lambda leaf: leaf + 1, tree), donate_argnums=0)
    state = TrainState(step=jnp.int32(0), params={"w": jnp.zeros((1000, 500))}, opt_state={})
    with Checkpointer(tmp_path, keep=1) as checkpointer:
        for _ in range(4):
            state = bump(state)
            checkpointer.save(state, 0)
            state = state.replace(params=jax.tree.map(lambda leaf: leaf - 1, bump(state.params)))
    np.testing.assert_array_equal(load_params(tmp_path)["w"], 4.0)


def test_only_the_newest_are_kept_and_loaded(tmp_path: Path) -> None:
    with Checkpointer(tmp_path, keep=2) as checkpointer:
        for step in (1, 2, 3):
            checkpointer.save(_state(step), step)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["2", "3"]
    assert digest(load_params(tmp_path)) == digest(_state(3).params)
    assert load_params(tmp_path, item="variables") == {}
    assert load_meta(tmp_path) == {"step": 3}


def test_leftovers_of_a_killed_save_are_ignored(tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(_state(1), 0)
    (tmp_path / "2.orbax-checkpoint-tmp" / "params").mkdir(parents=True)
    assert load_meta(tmp_path)["step"] == 1
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(_state(2), 0)
    assert load_meta(tmp_path)["step"] == 2
    assert not list(tmp_path.glob("*tmp*"))


@pytest.mark.parametrize("step", [1, 2])
def test_a_save_that_would_not_happen_is_told_or_replaces(tmp_path: Path, step: int) -> None:
    """Orbax passes over a step that is not the newest without a word."""
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(_state(2), 0)
    other = _state(step).replace(params=_state(5).params)
    with Checkpointer(tmp_path) as checkpointer:
        with pytest.raises(UserError, match=f"is a checkpoint of step 2 already, and step {step} was to be saved"):
            checkpointer.save(other, 0)
    assert digest(load_params(tmp_path)) == digest(_state(2).params)
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(other, 0, replace=True)
    assert digest(load_params(tmp_path)) == digest(other.params) and load_meta(tmp_path) == {"step": step}


def test_other_parameters_are_refused_by_name(tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(_state(1, width=8), 0)
        with pytest.raises(UserError, match=r"1: this checkpoint does not fit .* params/encoder/bias is \(8,\) there"):
            checkpointer.restore_latest(_abstract(_state(1, width=16)))
    with pytest.raises(UserError, match=r"params/decoder is absent there and \(2,\) by the config, .* and 1 more"):
        load_params(tmp_path, expected={"decoder": jnp.zeros(2)})


def test_no_checkpoint(tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as checkpointer:
        assert checkpointer.restore_latest(_abstract(_state())) is None
    for directory in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UserError, match="there is no checkpoint; train first"):
            load_params(directory)
    assert not (tmp_path / "absent").exists()


def test_digest_sees_every_bit_path_and_type() -> None:
    tree = {"a": np.array([1.0, 2.0], np.float32)}
    others = [
        {"b": tree["a"]},
        {"a": np.nextafter(tree["a"], np.array([1.0, 3.0], np.float32))},
        {"a": tree["a"].astype(np.float64)},
        {"a": tree["a"][None]},
    ]
    digests = {digest(other) for other in [tree, *others]}
    assert len(digests) == 5
    assert digest({"a": jnp.asarray(tree["a"])}) == digest(tree)
