"""Laws of what is drawn: every code is of its row's book, weights neither swell nor fade, and draws repeat."""

import jax
import numpy as np

from vis2sound_jax.accelerator.drawn import KINDS, drawn_batch, drawn_like, preset
from vis2sound_jax.planning.trainings import training_named


def test_codes_belong_to_their_rows() -> None:
    config = preset("condfoley", "smoke")
    batch = drawn_batch(training_named(config, "transformer"), 3)
    book, rows = config.codebook.codes, config.codebook.rows
    place = batch["target"] - np.arange(batch["target"].shape[1]) % rows * book
    assert batch["target"].shape[0] == 3 and place.min() >= 0 and place.max() < KINDS <= book
    assert batch["target_video"].dtype == np.float32 and 0 <= batch["target_video"].min() < batch["style"].max() <= 1


def test_pixels_are_bytes_and_codes_of_one_book_are_plain() -> None:
    batch = drawn_batch(training_named(preset("condfoley", "paper_smoke"), "transformer"), 2)
    assert batch["target_frames"].dtype == np.uint8 and batch["target_frames"].max() == 255
    assert batch["condition"].max() < KINDS


def test_weights_keep_the_size_of_what_goes_through_and_the_rest_begins_neutral() -> None:
    params = {
        "dense": {"kernel": (400, 300), "bias": (300,)},
        "linear": {"weight": (300, 400)},
        "norm": {"scale": (9,)},
    }
    shapes = {"params": params, "batch_stats": {"norm": {"mean": (9,), "var": (9,)}}}
    whole = lambda part: isinstance(part, tuple)  # noqa: E731
    structs = jax.tree.map(lambda shape: jax.ShapeDtypeStruct(shape, np.float32), shapes, is_leaf=whole)
    drawn, again = drawn_like(structs), drawn_like(structs)
    jax.tree.map(np.testing.assert_array_equal, drawn, again)
    x = np.random.default_rng(1).standard_normal((50, 400))
    for y in (x @ drawn["params"]["dense"]["kernel"], x @ drawn["params"]["linear"]["weight"].T):
        assert 0.8 < y.std() < 1.2
    assert not drawn["params"]["dense"]["bias"].any() and (drawn["params"]["norm"]["scale"] == 1).all()
    assert (drawn["batch_stats"]["norm"]["var"] == 1).all() and not drawn["batch_stats"]["norm"]["mean"].any()


def test_a_state_begins_without_moments() -> None:
    training = training_named(preset("condfoley", "smoke"), "transformer")
    state = drawn_like(jax.eval_shape(training.task.init, jax.random.key(0), training.batch_shapes(1)))
    assert state.step == 0 and not any(leaf.any() for leaf in jax.tree.leaves(state.opt_state))
    assert state.params["head"]["weight"].any()
