"""A tiny task and stream for the tests of training, and a program that trains them."""

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import PartitionSpec

from vis2sound_jax.training import optim
from vis2sound_jax.training.bookkeeping import Plan
from vis2sound_jax.training.checkpoint import digest
from vis2sound_jax.training.loop import train
from vis2sound_jax.training.sharding import make_mesh
from vis2sound_jax.training.task import Metrics, PyTree, TrainState

PLANNED = {field.name for field in dataclasses.fields(Plan)}
OPTIMIZER = optim.adamw(optim.warmup_cosine(1e-2, warmup_steps=3, total_steps=40), weight_decay=0.1, clip_norm=1.0)


class TinyTask:
    """A linear layer with dropout, to notice a wrong key, and a running mean, to notice lost variables."""

    sharding_rules = ((".*", PartitionSpec()),)

    def __init__(self, width: int = 3, poison_step: int = -1) -> None:
        self.width, self.poison_step = width, poison_step

    def init(self, key: jax.Array, batch: Mapping[str, Any]) -> TrainState:
        shape = (batch["x"].shape[-1], self.width)
        params = {"layer": {"kernel": jax.random.normal(key, shape), "bias": jnp.zeros(self.width)}}
        return TrainState(
            step=jnp.int32(0),
            params=params,
            opt_state=OPTIMIZER.init(params),
            variables={"mean": jnp.zeros(shape[0])},
        )

    def train_step(
        self, state: TrainState, batch: Mapping[str, Any], frozen: PyTree, key: jax.Array
    ) -> tuple[TrainState, Metrics]:
        def loss_fn(params: PyTree) -> jax.Array:
            x = batch["x"] * jax.random.bernoulli(key, 0.8, batch["x"].shape)
            y = x @ params["layer"]["kernel"] + params["layer"]["bias"]
            return jnp.mean((y - 1.0) ** 2)

        loss, gradients = jax.value_and_grad(loss_fn)(state.params)
        loss = jnp.where(state.step + 1 == self.poison_step, jnp.nan, loss)
        new = optim.apply_gradients(state, gradients, OPTIMIZER)
        mean = 0.9 * state.variables["mean"] + 0.1 * batch["x"].mean(0)
        return new.replace(variables={"mean": mean}), Metrics.from_means(len(batch["x"]), loss=loss)

    def eval_step(self, state: TrainState, batch: Mapping[str, Any], frozen: PyTree) -> Metrics:
        return Metrics.from_means(1, total=optax.global_norm(state.params))


class CountingStream:
    """Batches that depend on their index alone; the position is a JSON object, as grain's is."""

    def __init__(self, size: int = 8) -> None:
        self.size, self.index = size, 0

    def __next__(self) -> Mapping[str, Any]:
        self.index += 1
        return {"x": np.random.default_rng(self.index).normal(size=(self.size, 4)).astype(np.float32)}

    def get_state(self) -> dict[str, int]:
        return {"index": self.index}

    def set_state(self, state: dict[str, int]) -> None:
        self.index = state["index"]


def run(workdir: str, steps: int, **changes: Any) -> TrainState:
    """Trains the tiny task on one device unless told otherwise."""
    timing: dict[str, Any] = {"log_every": 5, "save_every": 4}
    timing |= {name: changes.pop(name) for name in PLANNED & set(changes)}
    settings: dict[str, Any] = {"mesh": make_mesh({"data": 1}), "key": jax.random.key(0), **changes}
    task, stream = settings.pop("task", TinyTask()), settings.pop("stream", CountingStream())
    return train(task, stream, Plan(steps, **timing), workdir=workdir, **settings)


if __name__ == "__main__":
    final = run(sys.argv[1], int(sys.argv[2]), save_every=1)
    print(digest((final.params, final.opt_state, final.variables)))
