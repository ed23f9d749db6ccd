"""Randomness derived by name: what a key or a generator is for says which one it is."""

import hashlib

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from vis2sound_jax.errors import UserError


def number_of(name: str) -> int:
    """Turns a name into a number that is the same on every machine and in every process.

    Args:
      name: any text.

    Returns:
      An integer in [0, 2**32), the first four bytes of the name's SHA-256.
    """
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def named_key(seed: int, *names: str) -> PRNGKeyArray:
    """Makes the random key of a consumer.

    Args:
      seed: of the run.
      *names: of the consumer, from the general to the special, such as "train", "encoder".

    Returns:
      A key; other names give an independent one.

    Raises:
      UserError: if the seed is negative or has more than 63 bits; so do the functions below.
    """
    key = jax.random.key(_checked(seed))
    for name in names:
        key = jax.random.fold_in(key, number_of(name))
    return key


def named_seed(seed: int, *names: str) -> int:
    """Makes the seed of a consumer that takes a number.

    Args:
      seed: of the run.
      *names: as `named_key`.

    Returns:
      An integer in [0, 2**31).
    """
    return number_of("/".join([str(_checked(seed)), *names])) >> 1


def named_rng(seed: int, *names: str) -> np.random.Generator:
    """Makes the NumPy generator of a consumer.

    Args:
      seed: of the run.
      *names: as `named_key`.

    Returns:
      A generator at its beginning.
    """
    return np.random.default_rng([_checked(seed), *map(number_of, names)])


def _checked(seed: int) -> int:
    if not 0 <= seed < 1 << 63:
        raise UserError(f"the seed is {seed}; choose one from 0 to {(1 << 63) - 1}")
    return seed
