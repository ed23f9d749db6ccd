"""Times the fast-slow LSTM, forward and with its backward pass, beside the same cells in torch (extra `benchmark`).

Torch's side is written as its users write it: one module a cell, a loop over steps, the input's share of the first
cell computed for all steps at once as ours does. On machines shared with others use `--cpu_time` with one thread,
as `lstm_benchmark.py` says.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch.nn import functional

from vis2sound_jax.models.fs_lstm import EPSILON, fs_lstm

AIM = 0.6
CELLS = ("fast_0", "slow", "fast_1")
CHECKED = 30


def draw(inputs: int, width: int) -> dict[str, dict[str, np.ndarray]]:
    """Weights of three cells."""
    rng, params = np.random.default_rng(0), {}
    for name in CELLS:
        d = inputs if name == "fast_0" else width
        normal = lambda rows: (width**-0.5 * rng.standard_normal((rows, 4 * width))).astype(np.float32)  # noqa: E731
        params[name] = {"wx": normal(d), "wh": normal(width)}
        params[name] |= {"b": np.zeros(4 * width, np.float32), "gain": np.ones(4 * width, np.float32)}
        params[name] |= {"shift": np.zeros(4 * width, np.float32)}
        params[name] |= {"cell_gain": np.ones(width, np.float32), "cell_shift": np.zeros(width, np.float32)}
    return params


def torch_cell(p: dict[str, torch.Tensor], z: torch.Tensor, c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    b, k = c.shape
    z = functional.layer_norm(z.view(b, 4, k), (k,), eps=EPSILON) * p["gain"].view(4, k) + p["shift"].view(4, k)
    i, j, f, o = z.unbind(1)
    c = c * torch.sigmoid(f + 1) + torch.sigmoid(i) * torch.tanh(j)
    normal = functional.layer_norm(c, (k,), p["cell_gain"], p["cell_shift"], eps=EPSILON)
    return torch.tanh(normal) * torch.sigmoid(o), c


def torch_run(params: dict[str, dict[str, torch.Tensor]], x: torch.Tensor) -> torch.Tensor:
    first, slow, second = (params[name] for name in CELLS)
    z_0 = x @ first["wx"] + first["b"]
    joined = [torch.cat([p["wx"], p["wh"]]) for p in (slow, second)]
    h, c, s, r = (torch.zeros(len(x), first["wh"].shape[0]) for _ in range(4))
    outputs = []
    for step in range(x.shape[1]):
        h, c = torch_cell(first, z_0[:, step] + h @ first["wh"], c)
        s, r = torch_cell(slow, torch.cat([h, s], 1) @ joined[0] + slow["b"], r)
        h, c = torch_cell(second, torch.cat([s, h], 1) @ joined[1] + second["b"], c)
        outputs.append(h)
    return torch.stack(outputs, 1)


def runs(params: Any, x: np.ndarray) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    """Name of a measure → ours, torch's."""
    mine = jax.tree.map(jnp.asarray, params)
    theirs = jax.tree.map(lambda a: torch.from_numpy(a).requires_grad_(), params)
    leaf = torch.from_numpy(x).requires_grad_()
    forward = jax.jit(lambda p, x: fs_lstm(p, x)[0])
    both = jax.jit(jax.grad(lambda p, x: (fs_lstm(p, x)[0] ** 2).sum(), (0, 1)))

    def torch_forward() -> Any:
        with torch.no_grad():
            return torch_run(theirs, leaf).numpy()

    def torch_both() -> Any:
        leaf.grad = None
        for tensor in jax.tree.leaves(theirs):
            tensor.grad = None
        (torch_run(theirs, leaf) ** 2).sum().backward()
        return jax.tree.map(lambda a: a.grad.numpy(), theirs), leaf.grad.numpy()

    return {
        "forward": (lambda: jax.block_until_ready(forward(mine, x)), torch_forward),
        "both": (lambda: jax.block_until_ready(both(mine, x)), torch_both),
    }


def check(params: Any, x: np.ndarray) -> None:
    """Compares both sides; over more steps rounding grows, since drawn weights make the recurrence chaotic."""
    for ours, theirs in runs(params, x).values():
        for a, b in zip(jax.tree.leaves(ours()), jax.tree.leaves(theirs()), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-2 * np.abs(b).max())


def main() -> None:
    """Prints milliseconds of both sides and their ratio for every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--widths", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--inputs", type=int, default=512)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="torch's; ours uses all")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cpu_time", action="store_true", help="count the process's work instead of wall time")
    flags = parser.parse_args()
    torch.set_num_threads(flags.threads)
    clock = time.process_time if flags.cpu_time else time.perf_counter
    print(f"jax {jax.__version__}, torch {torch.__version__}, {flags.threads} threads, load {os.getloadavg()[0]:.1f}")
    for width in flags.widths:
        for batch in flags.batch:
            x = np.random.default_rng(1).standard_normal((batch, flags.steps, flags.inputs), np.float32)
            params = draw(flags.inputs, width)
            check(params, x[:, :CHECKED])
            for name, pair in runs(params, x).items():
                for run in pair:
                    run()  # compiles
                best = [float("inf")] * 2
                for _ in range(flags.repeats):
                    for side, run in enumerate(pair):
                        begin = clock()
                        run()
                        best[side] = min(best[side], clock() - begin)
                ratio = best[0] / best[1]
                verdict = "met" if ratio <= AIM else "missed"
                print(
                    f"width {width:4d}  batch {batch:3d}  {name:8s} ours {1000 * best[0]:8.1f} ms  "
                    f"torch {1000 * best[1]:8.1f} ms  {ratio:5.2f}  aim {AIM} {verdict}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
