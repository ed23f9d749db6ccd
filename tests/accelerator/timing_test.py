"""Laws of timing: calls are counted, and programs that are too large are refused."""

import jax
import jax.numpy as jnp
import pytest

from vis2sound_jax.accelerator import timing
from vis2sound_jax.accelerator.timing import Effort, check_size, needed_bytes, seconds_of


def test_every_round_has_its_calls_after_one_to_warm_up() -> None:
    calls: list[int] = []

    def call() -> jax.Array:
        calls.append(1)
        return jnp.zeros(())

    assert seconds_of(call, Effort(rounds=3, calls=4)) >= 0
    assert len(calls) == 1 + 3 * 4


def test_memory_counts_what_goes_in_and_comes_out_and_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    x = jax.ShapeDtypeStruct((1000,), jnp.float32)
    plain = jax.jit(lambda x: x + 1).lower(x).compile()
    donated = jax.jit(lambda x: x + 1, donate_argnums=0).lower(x).compile()
    assert needed_bytes(plain) >= 8000 and needed_bytes(donated) == needed_bytes(plain) - 4000
    assert check_size(plain) == needed_bytes(plain)
    monkeypatch.setattr(timing, "MOST_BYTES", 5000)
    with pytest.raises(MemoryError, match=r"the program needs 0.0 GB, and the check takes 0 GB"):
        check_size(plain)
