"""Losses of Visually Indicated Sounds (Owens et al. 2016, sections 5.1 and A1.1).

Film and sound of a recording rarely agree to a frame. The detection model is therefore free to be early or late
by up to 8 steps: at each step of training the best path of shifts between the prediction and the truth is found,
and the prediction is judged after it was shifted. The path counts as a constant.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

ROBUST_EPSILON = 1 / 25**2
MAX_SHIFT = 8
IMPACT_GAIN = 3.0
IMPACT_NORM = 2.2
"""Norm of the 42 root features above which a step counts as part of an impact (the paper's tau)."""


def robust_loss(distance2: Float[Array, "*t"], epsilon: float = ROBUST_EPSILON) -> Float[Array, "*t"]:
    """Returns log(epsilon + r^2): a far prediction pulls less than a near one (section 5.1).

    Args:
      distance2: squared Euclidean distances r^2, >= 0.
      epsilon: > 0; the pull is strongest at r = sqrt(epsilon).
    """
    return jnp.log(epsilon + distance2)


def impact_weights(
    norm: Float[Array, "*t"], *, alpha: float = IMPACT_GAIN, tau: float = IMPACT_NORM
) -> Float[Array, "*t"]:
    """Returns 1 + alpha where the norm of the true root features reaches tau, else 1 (Eq. 5).

    Args:
      norm: Euclidean norm of the true root features at each step, >= 0.
      alpha: what a loud step weighs more.
      tau: norm from which a step is loud.
    """
    return 1.0 + alpha * (norm >= tau).astype(norm.dtype)


def time_shift(
    truth: Float[Array, "*b t k"],
    prediction: Float[Array, "*b t k"],
    norm: Float[Array, "*b t"],
    *,
    max_shift: int = MAX_SHIFT,
    alpha: float = IMPACT_GAIN,
    tau: float = IMPACT_NORM,
    epsilon: float = ROBUST_EPSILON,
) -> Int[Array, "*b t"]:
    """Finds the shifts L that minimise the energy of Eq. 5, exactly.

    The energy is sum_t w_t log(epsilon + |prediction[t + L_t] - truth[t]|^2), with w of `impact_weights`, plus
    (norm[t] + norm[t + 1]) / 2 wherever L changes from t to t + 1. A step beyond an end is the step at that end.
    As any change costs the same, a step need only compare staying with coming from the best: the cost grows with
    the number of shifts and not with its square.

    Args:
      truth: targets, in the space of the network's output.
      prediction: the network's output.
      norm: Euclidean norms of the true root features in all their channels.
      max_shift: largest shift in steps, >= 0.
      alpha: of `impact_weights`.
      tau: of `impact_weights`.
      epsilon: of `robust_loss`.

    Returns:
      Shifts in -max_shift..max_shift; where the last steps are equally good at several, the smallest of these.
    """
    # Nearest first, so that an argmin takes the smallest shift on a tie.
    labels = sorted(range(-max_shift, max_shift + 1), key=abs)
    t = truth.shape[-2]
    before, after = prediction[..., :1, :], prediction[..., -1:, :]
    wide = jnp.concatenate([*[before] * max_shift, prediction, *[after] * max_shift], axis=-2)
    moved = [wide[..., max_shift + label : max_shift + label + t, :] for label in labels]
    distance2 = jnp.stack([jnp.sum((each - truth) ** 2, axis=-1) for each in moved], axis=-1)
    costs = impact_weights(norm, alpha=alpha, tau=tau)[..., None] * robust_loss(distance2, epsilon)
    return jnp.array(labels, jnp.int32)[_cheapest_path(costs, 0.5 * (norm[..., :-1] + norm[..., 1:]))]


def _cheapest_path(costs: Float[Array, "*b t s"], change: Float[Array, "*b t-1"]) -> Int[Array, "*b t"]:
    """Viterbi's algorithm for states that cost `costs` each and `change` at each change of state."""

    def forward(total: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        cost, penalty = step
        best = jnp.argmin(total, axis=-1, keepdims=True)
        changed = jnp.take_along_axis(total, best, axis=-1) + penalty[..., None]
        came_from = jnp.where(total <= changed, jnp.arange(total.shape[-1]), best)
        return cost + jnp.minimum(total, changed), came_from

    def backward(state: Array, came_from: Array) -> tuple[Array, Array]:
        before = jnp.take_along_axis(came_from, state[..., None], axis=-1)[..., 0]
        return before, before

    costs, change = jnp.moveaxis(costs, -2, 0), jnp.moveaxis(change, -1, 0)
    total, came_from = jax.lax.scan(forward, costs[0], (costs[1:], change))
    last = jnp.argmin(total, axis=-1)
    _, states = jax.lax.scan(backward, last, came_from, reverse=True)
    return jnp.moveaxis(jnp.concatenate([states, last[None]]), 0, -1)


def shifted(sequence: Float[Array, "*b t k"], shifts: Int[Array, "*b t"]) -> Float[Array, "*b t k"]:
    """Returns sequence[t + shifts[t]] at every step t, the ends held.

    Args:
      sequence: values at each step.
      shifts: steps to look ahead (or, below 0, back) at each step.
    """
    t = sequence.shape[-2]
    places = jnp.clip(jnp.arange(t) + shifts, 0, t - 1)
    return jnp.take_along_axis(sequence, places[..., None], axis=-2)


def aligned_prediction(
    truth: Float[Array, "*b t k"],
    prediction: Float[Array, "*b t k"],
    norm: Float[Array, "*b t"],
    *,
    max_shift: int = MAX_SHIFT,
    alpha: float = IMPACT_GAIN,
    tau: float = IMPACT_NORM,
    epsilon: float = ROBUST_EPSILON,
) -> tuple[Float[Array, "*b t k"], Int[Array, "*b t"]]:
    """Shifts each sequence to where it fits the truth best, to be judged there (section A1.1).

    Gradients flow into the shifted prediction; the shifts are constants.

    Args:
      truth: targets, in the space of the network's output.
      prediction: the network's output.
      norm: Euclidean norms of the true root features in all their channels.
      max_shift: largest shift in steps, >= 0; 0 aligns nothing.
      alpha: of `impact_weights`; 0 weighs all steps alike.
      tau: of `impact_weights`.
      epsilon: of `robust_loss`.

    Returns:
      The shifted prediction, and the shifts as `time_shift` finds them.
    """
    shifts = time_shift(
        *jax.lax.stop_gradient((truth, prediction, norm)), max_shift=max_shift, alpha=alpha, tau=tau, epsilon=epsilon
    )
    return shifted(prediction, shifts), shifts
