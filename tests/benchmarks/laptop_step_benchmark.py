"""Times the training steps of the laptop preset on the CPU, with memory in small pages and in large ones.

Run `python tests/benchmarks/laptop_step_benchmark.py`. Every measurement is a process of its own, because glibc reads
the setting when a process begins; small and large take turns, and each turn's ratio is one of medians. Batches and
weights are as the task starts them from zeros: the time does not depend on them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp

sys.path.insert(0, str(Path(__file__).parents[2]))
from configs.condfoley import get_config
from vis2sound_jax.planning.trainings import training_named

PAGES = {"small": "", "large": "glibc.malloc.hugetlb=1"}
STAGES = ("encoder", "transformer", "sync")
STEPS = 15


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=STAGES, help="time this stage in this process and print seconds a step")
    return parser.parse_args()


def time_one(stage: str) -> list[float]:
    """Seconds of each step of a stage, the first ones left out."""
    config, key = get_config("laptop"), jax.random.key(0)
    training = training_named(config, stage)
    batch = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), training.batch_shapes(training.batch))
    step = jax.jit(lambda state, batch, key: training.task.train_step(state, batch, None, key), donate_argnums=0)
    state, found = jax.jit(training.task.init)(key, batch), []
    for _ in range(STEPS):
        start = time.perf_counter()
        state, metrics = step(state, batch, key)
        jax.block_until_ready((state, metrics))
        found.append(time.perf_counter() - start)
    return found[3:]


def time_apart(stage: str, pages: str) -> float:
    """Median seconds of a step in a process with such pages."""
    environment = {**os.environ, "GLIBC_TUNABLES": PAGES[pages], "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, __file__, f"--one={stage}"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return statistics.median(json.loads(result.stdout))


def main() -> None:
    """Prints a line a stage."""
    flags = read_flags()
    if flags.one:
        print(json.dumps(time_one(flags.one)))
        return
    for stage in STAGES:
        rounds = [{pages: time_apart(stage, pages) for pages in PAGES} for _ in range(flags.rounds)]
        small, large = (statistics.median(found[pages] for found in rounds) for pages in PAGES)
        ratios = ", ".join(f"{found['small'] / found['large']:.2f}" for found in rounds)
        print(f"{stage}: small pages {small:.3f} s, large pages {large:.3f} s; small over large in each round {ratios}")


if __name__ == "__main__":
    main()
