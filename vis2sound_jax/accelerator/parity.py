"""Whether the device computes what the CPU computes: the same program, compiled for both, on the same numbers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.accelerator.checks import DIFFERS, DONE, Case
from vis2sound_jax.accelerator.drawn import drawn_batch, drawn_like, preset
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.training.task import PyTree

FORWARD_TOLERANCE = 1e-4
"""Most that an output of a network may be off, as a share of its length (2-norm), with products in full float32."""

STEP_TOLERANCE = 1e-4
"""The same for metrics and statistics of a training step."""

MOMENTS_TOLERANCE = 1e-3
"""The same for its moments. On a CPU, changes of 1e-6 of every weight moved them by up to 8e-5."""

NORMALISED_TOLERANCE = 1e-1
"""For moments of networks that normalise by the batch in every layer: there such changes moved them by up to 2e-2."""

Function = Callable[[PyTree, PyTree], PyTree]

# Config, preset, stage, examples, tolerance of moments: every kind of network that is trained, at the sizes that train
# on a laptop or, of the paper's, at those of its smoke test.
_STEPS = (
    ("condfoley", "laptop", "encoder", 2, MOMENTS_TOLERANCE),
    ("condfoley", "laptop", "events", 2, MOMENTS_TOLERANCE),
    ("condfoley", "laptop", "transformer", 2, MOMENTS_TOLERANCE),
    ("condfoley", "laptop", "sync", 4, MOMENTS_TOLERANCE),
    ("vis", "laptop", "streams", 4, MOMENTS_TOLERANCE),
    ("vis", "laptop", "prediction", 4, MOMENTS_TOLERANCE),
    ("condfoley", "paper_smoke", "codebook", 2, MOMENTS_TOLERANCE),
    ("condfoley", "paper_smoke", "vocoder", 2, MOMENTS_TOLERANCE),
    ("condfoley", "paper_smoke", "encoder", 2, NORMALISED_TOLERANCE),
    ("condfoley", "paper_smoke", "transformer", 2, NORMALISED_TOLERANCE),
)


def compared(function: Function, variables: PyTree, inputs: PyTree, device: jax.Device) -> tuple[PyTree, PyTree]:
    """Computes on the device and on the CPU, with products in full float32; both compile at once.

    Args:
      function: of variables and inputs.
      variables: arrays of the host.
      inputs: arrays of the host.
      device: the device.

    Returns:
      What both found, as arrays of the host.
    """

    def found(place: jax.Device) -> PyTree:
        # Without this a GPU rounds factors to TF32 and a TPU to bfloat16. The setting is the thread's own.
        with jax.default_matmul_precision("highest"):
            return jax.device_get(jax.jit(function)(*jax.device_put((variables, inputs), place)))

    places = (device, jax.devices("cpu")[0])
    with ThreadPoolExecutor(len(places)) as pool:
        ours, theirs = pool.map(found, places)
    return ours, theirs


def apart(ours: PyTree, theirs: PyTree) -> float:
    """Says how far two trees are from one another, whole numbers left out.

    Args:
      ours: arrays.
      theirs: arrays of the same shapes.

    Returns:
      2-norm of the difference over that of `theirs`; infinite where a number of either is none.
    """
    floats = [(np.asarray(a), np.asarray(b)) for a, b in _leaves(ours, theirs)]
    difference = sum(float(np.sum(np.square(a.astype(np.float64) - b))) for a, b in floats)
    length = sum(float(np.sum(np.square(b.astype(np.float64)))) for _, b in floats)
    share = (difference / max(length, 1e-30)) ** 0.5
    return share if np.isfinite(share) else float("inf")


def _leaves(ours: PyTree, theirs: PyTree) -> list[tuple[Any, Any]]:
    pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)
    return [(a, b) for a, b in pairs if jnp.issubdtype(a.dtype, jnp.floating)]


def verdict(tolerance: float, **shares: float) -> dict[str, Any]:
    """Makes a row of differences.

    Args:
      tolerance: that all must keep.
      **shares: name of a part → how far apart it is.

    Returns:
      The row's values; its status says whether all keep it.
    """
    status = DONE if max(shares.values()) <= tolerance else DIFFERS
    return {"status": status, **shares, "tolerance": tolerance}


def step_cases(device: jax.Device) -> list[Case]:
    """Training steps: metrics, moments, which are the gradient's and its square's, and statistics.

    Args:
      device: to compare with the CPU.
    """
    return [_step_case(device, *step) for step in _STEPS]


def _step_case(device: jax.Device, config: str, name: str, stage: str, size: int, tolerance: float) -> Case:
    def run() -> dict[str, Any]:
        training = training_named(preset(config, name), stage)
        task, batch, key = training.task, drawn_batch(training, size), jax.random.key(0)
        state = drawn_like(jax.eval_shape(task.init, key, batch))

        def step(state: Any, batch: Any) -> Any:
            new, metrics = task.train_step(state, batch, None, jax.random.key(1))
            return {"metrics": metrics.sums, "moments": new.opt_state, "statistics": new.variables}

        ours, theirs = compared(step, state, batch, device)
        shares = {part: apart(ours[part], theirs[part]) for part in ours if jax.tree.leaves(ours[part])}
        moments = {"moments": shares.pop("moments"), "moments_tolerance": tolerance}
        row = verdict(STEP_TOLERANCE, **shares) | moments
        return row | ({"status": DIFFERS} if moments["moments"] > tolerance else {})

    return Case(f"step of {config}:{name} {stage}", run)
