"""Compiles the training step of the paper's transformer at full size, and runs it where there is an accelerator.

Run `python tests/benchmarks/paper_step_benchmark.py`. Without an accelerator it prints what the compiled program says
of itself: floating-point operations, memory and bytes moved. On one it also times the step, in samples a second and as
a share of `--peak_tflops`. Weights are random and made on the device: the time does not depend on them.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

sys.path.insert(0, str(Path(__file__).parents[2]))
from configs.condfoley import get_config
from vis2sound_jax.planning.trainings import training_named

STEPS = 10


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--video", choices=("trained", "frozen", "cached"), default="trained")
    parser.add_argument("--dtype", default="float32", help="of the transformer's products: float32 or bfloat16")
    parser.add_argument("--peak_tflops", type=float, default=989.0, help="of the device; the default is an H100's bf16")
    return parser.parse_args()


def main() -> None:
    """Prints what the program says of itself, and its speed on an accelerator."""
    flags, config = read_flags(), get_config("paper")
    config.transformer.dtype, config.transformer.video = flags.dtype, flags.video
    training, key = training_named(config, "transformer"), jax.random.key(0)
    task: Any = training.task
    batch = training.batch_shapes(flags.batch)
    state = jax.eval_shape(task.init, key, batch)
    count = sum(leaf.size for leaf in jax.tree.leaves(state.params))
    step = jax.jit(lambda state, batch, key: task.train_step(state, batch, None, key), donate_argnums=0)
    start = time.perf_counter()
    program = step.lower(state, batch, key).compile()
    print(f"{jax.devices()[0].device_kind}: compiled in {time.perf_counter() - start:.0f} s")
    cost, memory = program.cost_analysis(), program.memory_analysis()
    print(f"parameters {count / 1e6:.1f} M, batch {flags.batch}, video {flags.video}, {flags.dtype}")
    flops, moved = cost["flops"] / 1e12, cost["bytes accessed"] / 1e9
    print(f"floating-point operations a step: {flops:.2f} T; bytes moved: {moved:.1f} GB")
    print(f"arguments {memory.argument_size_in_bytes / 1e9:.2f} GB, temporary {memory.temp_size_in_bytes / 1e9:.2f} GB")
    if jax.default_backend() == "cpu":
        return
    real = jax.jit(task.init)(key, zeros := jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), batch))
    real, _ = program(real, zeros, key)
    jax.block_until_ready(real)
    start = time.perf_counter()
    for _ in range(STEPS):
        real, _ = program(real, zeros, key)
    jax.block_until_ready(real)
    seconds = (time.perf_counter() - start) / STEPS
    used = 100 * cost["flops"] / seconds / (flags.peak_tflops * 1e12)
    print(f"{1000 * seconds:.0f} ms a step, {flags.batch / seconds:.1f} samples/s")
    print(f"{used:.1f} % of {flags.peak_tflops} TFLOP/s")


if __name__ == "__main__":
    main()
