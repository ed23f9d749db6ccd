"""A program for the tests of several processes: trains a tiny task on all their devices and writes its arrays.

python -m tests.run.together WORKDIR STEPS [--of=N --index=I --port=P] [--seconds=S] [--fail_at=STEP --fails=I]
"""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl import flags

from tests.training.tiny import TinyTask
from vis2sound_jax.data.pipeline import make_stream
from vis2sound_jax.errors import UserError
from vis2sound_jax.run import ending, hosts
from vis2sound_jax.training.bookkeeping import Plan
from vis2sound_jax.training.loop import train
from vis2sound_jax.training.sharding import batch_rows, fetch, make_mesh
from vis2sound_jax.training.tables import Fsdp

BATCH = 8


class DividedTask(TinyTask):
    """The tiny task, its weights divided over devices."""

    sharding_rules = (("", Fsdp(least=8)),)


def example(item: int, rng: np.random.Generator, *, seconds: float = 0.0, fail_at: int = -1) -> Mapping[str, Any]:
    """Four numbers drawn for a place in the stream."""
    time.sleep(seconds)
    if item == fail_at:
        raise UserError("this example is broken; mend it")
    return {"x": rng.normal(size=4).astype(np.float32)}


def run(arguments: argparse.Namespace) -> None:
    """Trains to the last step."""
    if arguments.of > 1:
        hosts.start(f"localhost:{arguments.port}", arguments.of, arguments.index)
    broken = arguments.fail_at if arguments.index == arguments.fails else -1
    mesh = make_mesh({"data": -1, "fsdp": 2})
    stream = make_stream(
        range(64),
        lambda item, rng: example(item, rng, seconds=arguments.seconds, fail_at=broken),
        batch_size=BATCH,
        seed=0,
        rows=batch_rows(mesh, BATCH),
        threads=1,
    )
    plan = Plan(arguments.steps, log_every=5, save_every=5)
    state = train(DividedTask(), stream, plan, workdir=Path(arguments.workdir), key=jax.random.key(0), mesh=mesh)
    stream.close()
    final = fetch({"params": state.params, "variables": state.variables})
    if hosts.is_first():
        np.savez(Path(arguments.workdir) / "final.npz", **final["params"]["layer"], **final["variables"])
    hosts.wait("the end")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("workdir")
    parser.add_argument("steps", type=int)
    for name, default in {"of": 1, "index": 0, "port": 0, "fail_at": -1, "fails": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds", type=float, default=0.0)
    # grain reads absl flags.
    flags.FLAGS.mark_as_parsed()
    ending.guarded(lambda: run(parser.parse_args()))
