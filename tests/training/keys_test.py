"""Keys by name: stable, apart, and the same in every process."""

import itertools
from typing import Any

import jax
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.training.keys import named_key, named_rng, named_seed, number_of

NAMES = ("encoder", "vocoder", "streams", "codebook", "transformer", "prediction", "detection")


def test_numbers_of_names_are_fixed_for_ever() -> None:
    assert number_of("encoder") == 0x9FF94C3E
    assert len({number_of(name) for name in NAMES}) == len(NAMES)


def test_names_of_one_length_have_keys_of_their_own() -> None:
    keys = [jax.random.key_data(named_key(0, "train", name)) for name in NAMES]
    assert all((a != b).any() for a, b in itertools.combinations(keys, 2))
    np.testing.assert_array_equal(keys[0], jax.random.key_data(named_key(0, "train", "encoder")))
    assert (jax.random.key_data(named_key(1, "train", "encoder")) != keys[0]).any()


def test_generators_and_seeds_follow_names_too() -> None:
    draws = [named_rng(0, name).integers(1 << 60) for name in NAMES]
    assert len(set(draws)) == len(NAMES) and draws[0] == named_rng(0, "encoder").integers(1 << 60)
    seeds = {named_seed(0, name) for name in NAMES} | {named_seed(1, name) for name in NAMES}
    assert len(seeds) == 2 * len(NAMES) and all(0 <= seed < 2**31 for seed in seeds)


def test_the_order_and_number_of_names_matter() -> None:
    pairs = [named_seed(0, "a", "b"), named_seed(0, "b", "a"), named_seed(0, "a"), named_seed(0)]
    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize("make", [named_key, named_seed, named_rng])
def test_seeds_that_no_generator_takes_are_told(make: Any) -> None:
    for seed in (-1, 1 << 63, 9999999999999999999):
        with pytest.raises(UserError, match=f"the seed is {seed}; choose one from 0 to 9223372036854775807"):
            make(seed, "codes")
    make((1 << 63) - 1, "codes")
