"""Times our LSTM and torch.nn.LSTM side by side on the CPU, at the sizes of Visually Indicated Sounds.

Run `python tests/benchmarks/lstm_benchmark.py`; it needs torch (`pip install -e .[benchmark]`). Both sides get the
same weights and inputs in float32, the same number of threads, and must return the same outputs. A vector of 8192
enters at every step and 256 leave. In the rows "half" 4096 of the inputs are the same at every step, as in the paper:
ours takes them once a sequence, torch knows no such input and takes all 8192 at every step. In the rows "full" all
8192 change. Three measures:

  forward    outputs of all steps, nothing kept for gradients
  weights    outputs, then the gradients of all weights
  all        outputs, then the gradients of all weights and of the inputs

The runs of both sides alternate and the least time of each counts. That is not enough where other programs want the
same processors: torch's threads wait for each other by spinning, and one that is put aside holds up the rest. There,
`OMP_NUM_THREADS=1 taskset -c 0 python … --cpu_time` pins both to one thread and counts its seconds of work.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch

from vis2sound_jax.models.lstm import lstm

INPUTS, WIDTH = 8192, 256
MEASURES = ("forward", "weights", "all")
# What share of torch's time ours may take in the rows "half": for one sequence, for more.
AIMS = {"forward": (0.5, 0.5), "weights": (0.67, 1.0), "all": (0.67, 1.0)}


class Case(NamedTuple):
    """One size: what both sides are given."""

    steps: int
    batch: int
    half: bool
    params: dict[str, np.ndarray]
    inputs: dict[str, np.ndarray]
    cotangent: np.ndarray


def draw(steps: int, batch: int, *, half: bool) -> Case:
    rng = np.random.default_rng(0)
    varying = INPUTS // 2 if half else INPUTS
    normal = lambda scale, *shape: scale * rng.standard_normal(shape, np.float32)  # noqa: E731
    params = {"wx": normal(INPUTS**-0.5, varying, 4 * WIDTH), "wh": normal(WIDTH**-0.5, WIDTH, 4 * WIDTH)}
    params["b"] = normal(0.1, 4 * WIDTH)
    inputs = {"x": normal(1.0, batch, steps, varying)}
    if half:
        params["wc"] = normal(INPUTS**-0.5, INPUTS - varying, 4 * WIDTH)
        inputs["constant"] = normal(1.0, batch, INPUTS - varying)
    return Case(steps, batch, half, params, inputs, normal(1.0, batch, steps, WIDTH))


def our_runs(case: Case) -> list[Callable[[], Any]]:
    """One function a measure."""
    params, inputs, cotangent = jax.tree.map(jnp.asarray, (case.params, case.inputs, case.cotangent))

    def forward(params: Any, inputs: Any) -> jax.Array:
        return lstm(params, **inputs)[0]

    def weights(params: Any, inputs: Any, cotangent: jax.Array) -> Any:
        h, back = jax.vjp(lambda p: forward(p, inputs), params)
        return h, back(cotangent)

    def everything(params: Any, inputs: Any, cotangent: jax.Array) -> Any:
        h, back = jax.vjp(forward, params, inputs)
        return h, back(cotangent)

    f, w, e = jax.jit(forward), jax.jit(weights), jax.jit(everything)
    return [
        lambda: (jax.block_until_ready(f(params, inputs)),),
        lambda: jax.block_until_ready(w(params, inputs, cotangent)),
        lambda: jax.block_until_ready(e(params, inputs, cotangent)),
    ]


def torch_runs(case: Case) -> list[Callable[[], Any]]:
    """The same for torch: constant inputs are written out at every step before the clock starts."""
    model = torch.nn.LSTM(INPUTS, WIDTH, batch_first=True)
    matrix, x = case.params["wx"], case.inputs["x"]
    if case.half:
        matrix = np.concatenate([matrix, case.params["wc"]])
        spread = np.broadcast_to(case.inputs["constant"][:, None], (case.batch, case.steps, INPUTS // 2))
        x = np.concatenate([x, spread], axis=-1)
    with torch.no_grad():
        model.weight_ih_l0.copy_(torch.from_numpy(matrix.T))
        model.weight_hh_l0.copy_(torch.from_numpy(case.params["wh"].T))
        model.bias_ih_l0.copy_(torch.from_numpy(case.params["b"]))
        model.bias_hh_l0.zero_()
    inputs, cotangent = torch.from_numpy(x), torch.from_numpy(case.cotangent)

    def forward() -> Any:
        with torch.no_grad():
            return (model(inputs)[0].numpy(),)

    def backward(of_inputs: bool) -> Any:
        model.zero_grad(set_to_none=True)
        leaf = inputs.detach().requires_grad_(of_inputs)
        h = model(leaf)[0]
        h.backward(cotangent)
        return h.detach().numpy(), model.weight_ih_l0.grad.numpy(), leaf.grad

    return [forward, lambda: backward(False), lambda: backward(True)]


def least_times(runs: list[Callable[[], Any]], flags: argparse.Namespace) -> list[float]:
    """The least time of each, alternating, for so many seconds and rounds at least."""
    clock = time.process_time if flags.cpu_time else time.perf_counter
    best, rounds, start = [float("inf")] * len(runs), 0, time.perf_counter()
    while rounds < flags.repeats or time.perf_counter() - start < flags.seconds:
        for i, run in enumerate(runs):
            begin = clock()
            run()
            best[i] = min(best[i], clock() - begin)
        rounds += 1
    return best


def measure(case: Case, flags: argparse.Namespace) -> tuple[list[float], list[float]]:
    """Our three times and torch's, after checking that outputs and the input weights' gradients agree."""
    ours, theirs = our_runs(case), torch_runs(case)
    (h, (gradients, _)), (h_torch, gradient, _) = ours[2](), theirs[2]()
    np.testing.assert_allclose(h, h_torch, atol=1e-4)
    matrix = np.concatenate([gradients[name] for name in ("wx", "wc") if name in gradients])
    np.testing.assert_allclose(matrix.T, gradient, atol=1e-3 * np.abs(gradient).max())
    del h, gradients, matrix, h_torch, gradient
    for run in (*ours[:2], *theirs[:2]):
        run()  # compiles
    pairs = [run for pair in zip(ours, theirs, strict=True) for run in pair]
    times = least_times(pairs, flags)
    return times[::2], times[1::2]


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[45, 900])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--kinds", nargs="+", choices=("half", "full"), default=["half", "full"])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="torch's; ours uses all")
    parser.add_argument("--seconds", type=float, default=10.0, help="of measuring a size, at least")
    parser.add_argument("--repeats", type=int, default=3, help="rounds a size, at least")
    parser.add_argument("--cpu_time", action="store_true", help="count the process's work instead of wall time")
    parser.add_argument("--plot", help="file for a picture of times over steps")
    return parser.parse_args()


def report(case: Case, ours: list[float], theirs: list[float]) -> None:
    for name, mine, other in zip(MEASURES, ours, theirs, strict=True):
        aim, kind = AIMS[name][case.batch > 1], "half" if case.half else "full"
        verdict = f"{aim:4.2f} {'met' if mine <= aim * other else 'missed'}" if case.half else ""
        print(
            f"{kind}  {case.steps:4d}  {case.batch:5d}  {name:8s} {1000 * mine:10.1f} {1000 * other:10.1f}"
            f"  {mine / other:5.2f}  {verdict}",
            flush=True,
        )


def plot(times: dict[tuple[str, int, int], tuple[list[float], list[float]]], path: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(MEASURES), figsize=(12, 4), sharey=True, layout="constrained")
    for m, (name, axis) in enumerate(zip(MEASURES, axes, strict=True)):
        for kind, batch in sorted({(kind, batch) for kind, _, batch in times}):
            steps = sorted(t for k, t, b in times if (k, b) == (kind, batch))
            for side, label, line in ((0, "ours", "-o"), (1, "torch", "--x")):
                seconds = [times[kind, t, batch][side][m] for t in steps]
                axis.loglog(steps, seconds, line, label=f"{label}, {kind}, batch {batch}")
        axis.set(title=name, xlabel="steps")
    axes[0].set_ylabel("seconds")
    axes[0].legend(fontsize=7)
    figure.savefig(path)


def main() -> None:
    """Prints milliseconds of both sides, their ratio and the aim for every size."""
    flags = read_flags()
    torch.set_num_threads(flags.threads)
    print(
        f"jax {jax.__version__}, torch {torch.__version__}, {flags.threads} threads, load {os.getloadavg()[0]:.1f}, "
        f"{'processor' if flags.cpu_time else 'wall'} time"
    )
    print("kind  steps batch  measure     ours ms   torch ms  ratio   aim")
    times = {}
    for kind in flags.kinds:
        for steps in flags.steps:
            for batch in flags.batch:
                case = draw(steps, batch, half=kind == "half")
                times[kind, steps, batch] = measure(case, flags)
                report(case, *times[kind, steps, batch])
    if flags.plot:
        plot(times, flags.plot)


if __name__ == "__main__":
    main()
