"""Laws of packed weights: what a network needs comes back, in half precision where it fits; the rest is refused."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from vis2sound_jax.errors import UserError
from vis2sound_jax.training.checkpoint import Checkpointer, is_kept, load_meta, load_params
from vis2sound_jax.training.packed import packed_file, read_packed, read_packed_meta, write_packed
from vis2sound_jax.training.task import TrainState

KEY = jax.random.key(0)
PARAMS = {"enter": {"kernel": jax.random.normal(KEY, (4, 3)), "bias": jnp.zeros(3)}, "scale": jnp.float32(2)}
META = {"stage": "encoder", "step": 7}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a folder of checkpoints would be."""
    (tmp_path / "encoder").mkdir()
    return tmp_path / "encoder" / "checkpoints"


def packed(place: Path) -> Path:
    return place.with_suffix(".safetensors")


def test_weights_come_back_as_the_loaders_of_checkpoints_give_them(place: Path) -> None:
    assert packed_file(place) is None and not is_kept(place)
    write_packed(packed(place), PARAMS, {}, META)
    assert packed_file(place) == packed(place) and is_kept(place)
    found = load_params(place, expected=PARAMS)
    assert jax.tree.structure(found) == jax.tree.structure(PARAMS)
    for mine, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(PARAMS), strict=True):
        assert mine.dtype == jnp.float32 and mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=2**-11)
    assert load_params(place, item="variables") == {} and load_meta(place) == META


def test_half_the_bytes_and_no_more(place: Path) -> None:
    write_packed(packed(place), {"kernel": jnp.ones((256, 256))}, {}, META)
    assert 2 * 256 * 256 < packed(place).stat().st_size < 2.1 * 256 * 256


def test_averages_stand_for_the_parameters_that_they_are_of(place: Path) -> None:
    averaged = jax.tree.map(lambda leaf: leaf + 1, PARAMS)
    write_packed(packed(place), PARAMS, {"ema": averaged}, META)
    for found in (read_packed(packed(place), "params"), read_packed(packed(place), "variables")["ema"]):
        np.testing.assert_allclose(found["enter"]["bias"], 1.0)
    # Other variables stay beside parameters.
    write_packed(packed(place), PARAMS, {"batch_stats": {"mean": jnp.ones(3)}}, META)
    np.testing.assert_allclose(read_packed(packed(place), "params")["enter"]["bias"], 0.0)
    np.testing.assert_allclose(read_packed(packed(place), "variables")["batch_stats"]["mean"], 1.0)


def test_numbers_that_do_not_fit_into_half_precision_stay_as_they_are(place: Path) -> None:
    large, count = np.float32([1e6, 1.0000001]), np.arange(70000, dtype=np.int32)
    write_packed(packed(place), {"large": large, "count": count, "short": jnp.bfloat16([1e30, 2])}, {}, META)
    found = read_packed(packed(place), "params")
    np.testing.assert_array_equal(found["large"], large)
    np.testing.assert_array_equal(found["count"], count)
    np.testing.assert_array_equal(found["short"], np.float32(jnp.bfloat16([1e30, 2])))
    assert found["count"].dtype == jnp.int32 and found["short"].dtype == jnp.float32


def test_a_folder_of_checkpoints_says_the_same_packed(place: Path, tmp_path: Path) -> None:
    state = TrainState(step=jnp.int32(5), params=PARAMS, opt_state={}, variables={"ema": PARAMS})
    with Checkpointer(place) as checkpointer:
        checkpointer.save(state, 0, {"note": "kept"})
    other = tmp_path / "other"
    write_packed(
        other.with_suffix(".safetensors"), load_params(place), load_params(place, item="variables"), load_meta(place)
    )
    assert load_meta(other) == load_meta(place) == {"note": "kept", "step": 5}
    jax.tree.map(
        lambda mine, theirs: np.testing.assert_allclose(mine, theirs, rtol=2**-11),
        load_params(other, item="variables"),
        load_params(place, item="variables"),
    )


def test_weights_of_other_sizes_are_told_leaf_by_leaf(place: Path) -> None:
    write_packed(packed(place), PARAMS, {}, META)
    with pytest.raises(UserError, match=r"params/enter/bias is \(3,\) there and \(5,\) by the config"):
        load_params(place, expected={**PARAMS, "enter": {**PARAMS["enter"], "bias": jnp.zeros(5)}})


@pytest.mark.parametrize("cut", [0, 5, -100])
def test_damaged_files_are_refused_with_a_remedy(place: Path, cut: int) -> None:
    write_packed(packed(place), PARAMS, {}, META)
    packed(place).write_bytes(packed(place).read_bytes()[:cut])
    for read in (load_params, load_meta):
        with pytest.raises(UserError, match=r"checkpoints.safetensors: is damaged .*; install vis2sound_jax again, or"):
            read(place)


def test_weights_of_another_program_are_refused(place: Path) -> None:
    save_file({"params/kernel": np.ones(3, np.float32)}, packed(place), {"format": "np"})
    with pytest.raises(UserError, match="checkpoints.safetensors: holds weights of another program"):
        read_packed_meta(packed(place))
    save_file({"params/kernel": np.ones(3, np.float32)}, packed(place), {"vis2sound_jax": json.dumps(META)})
    assert read_packed_meta(packed(place)) == META
