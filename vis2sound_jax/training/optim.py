"""Optimizers: AdamW with weight decay by parameter path, gradient clipping, warm-up and cosine decay."""

import re
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from vis2sound_jax.errors import UserError
from vis2sound_jax.training.task import Metrics, PyTree, TrainState


def path_name(path: Sequence[object]) -> str:
    """Writes a pytree path as `encoder/layer_0/kernel`, the form that all path regexes match."""
    return jax.tree_util.keystr(tuple(path), simple=True, separator="/")


def mask_by_path(params: PyTree, patterns: Sequence[str]) -> PyTree:
    """Marks the parameters whose path matches a pattern.

    Args:
      params: a tree of arrays.
      patterns: regexes searched in paths such as `encoder/layer_0/kernel`.

    Returns:
      A tree of the same structure with True where any pattern is found.
    """
    compiled = [re.compile(pattern) for pattern in patterns]
    return jax.tree_util.tree_map_with_path(
        lambda path, _: any(regex.search(path_name(path)) for regex in compiled), params
    )


def warmup_cosine(peak: float, *, warmup_steps: int, total_steps: int, final_fraction: float = 0.0) -> optax.Schedule:
    """Makes a learning rate that rises linearly from 0 and falls as half a cosine.

    Args:
      peak: the highest learning rate, reached after `warmup_steps`.
      warmup_steps: length of the rise, ≥ 0.
      total_steps: the step at which the fall ends, > warmup_steps.
      final_fraction: the rate from then on, as a fraction of `peak`, in [0, 1].

    Returns:
      A function from step to learning rate.
    """
    return optax.schedules.warmup_cosine_decay_schedule(
        init_value=0.0 if warmup_steps else peak,
        peak_value=peak,
        warmup_steps=warmup_steps,
        decay_steps=total_steps,
        end_value=peak * final_fraction,
    )


def adamw(
    learning_rate: float | optax.Schedule,
    *,
    b1: float = 0.9,
    b2: float = 0.999,
    weight_decay: float = 0.0,
    decay: Sequence[str] = (r"kernel$",),
    clip_norm: float | None = None,
) -> optax.GradientTransformation:
    """Makes AdamW (Loshchilov and Hutter 2019) with optional clipping by the global norm.

    Args:
      learning_rate: a number or a schedule.
      b1: decay of the first moment, in [0, 1).
      b2: decay of the second moment, in [0, 1).
      weight_decay: decoupled decay per step, times the learning rate.
      decay: path regexes of the parameters that decay; biases, norms and embeddings should not.
      clip_norm: gradients of a larger global L2 norm are scaled down to it; None leaves them.

    Returns:
      The optax transformation.
    """
    update = optax.adamw(
        learning_rate,
        b1=b1,
        b2=b2,
        weight_decay=weight_decay,
        mask=lambda params: mask_by_path(params, decay),
    )
    return update if clip_norm is None else optax.chain(optax.clip_by_global_norm(clip_norm), update)


def gradients_in_parts(
    loss: Callable[[PyTree, PyTree, PRNGKeyArray], tuple[Float[Array, ""], Metrics]],
    params: PyTree,
    batch: PyTree,
    key: PRNGKeyArray,
    parts: int,
) -> tuple[PyTree, Metrics]:
    """Computes the gradient of a batch, part after part, so that only one part's activations are kept.

    Args:
      loss: (params, part of the batch, key) → mean loss and metrics of the part.
      params: what to differentiate by.
      batch: arrays [b, ...].
      key: given as it is where there is one part, folded with the part's number otherwise.
      parts: how many; must divide b.

    Returns:
      The mean gradient, that of the whole batch where all parts count the same, and the metrics of all parts.

    Raises:
      UserError: if the parts do not divide the batch.
    """
    gradient = jax.grad(loss, has_aux=True)
    if parts == 1:
        return gradient(params, batch, key)
    size = len(jax.tree.leaves(batch)[0])
    if size % parts:
        raise UserError(f"config.training.accumulate is {parts}; it must divide the batch of {size}")
    # Every part takes examples of every device, so none has to move.
    cut = jax.tree.map(lambda leaf: leaf.reshape(size // parts, parts, *leaf.shape[1:]).swapaxes(0, 1), batch)
    keys = jax.vmap(lambda part: jax.random.fold_in(key, part))(jnp.arange(parts))

    def add(total: PyTree, inputs: tuple[PyTree, jax.Array]) -> tuple[PyTree, None]:
        return jax.tree.map(jnp.add, total, gradient(params, *inputs)), None

    first = jax.tree.map(lambda leaf: leaf[0], (cut, keys))
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(gradient, params, *first))
    (total, metrics), _ = jax.lax.scan(add, zeros, (cut, keys))
    return jax.tree.map(lambda leaf: leaf / parts, total), metrics


def apply_gradients(state: TrainState, gradients: PyTree, optimizer: optax.GradientTransformation) -> TrainState:
    """Updates params and opt_state of a state by one optimizer step.

    Args:
      state: the state whose `params` the gradients are of.
      gradients: a tree like `state.params`.
      optimizer: the transformation that made `state.opt_state`.

    Returns:
      The state with new params and opt_state; step and variables are untouched.
    """
    updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
    return state.replace(params=optax.apply_updates(state.params, updates), opt_state=opt_state)


def init_each(params: dict[str, PyTree], optimizer: optax.GradientTransformation) -> dict[str, PyTree]:
    """Makes the states of networks that share the settings of an optimizer and nothing else.

    Args:
      params: network → its parameters, such as those of a generator and of a discriminator.
      optimizer: the transformation.

    Returns:
      Network → the optimizer's state for it.
    """
    return {name: optimizer.init(part) for name, part in params.items()}


def apply_each(state: TrainState, gradients: dict[str, PyTree], optimizer: optax.GradientTransformation) -> TrainState:
    """Updates every network of a state by one step of its own optimizer state, made by `init_each`.

    Args:
      state: the state whose `params` the gradients are of.
      gradients: network → a tree like its parameters.
      optimizer: the transformation.

    Returns:
      The state with new params and opt_state; step and variables are untouched.
    """
    params, opt_state = {}, {}
    for name, gradient in gradients.items():
        before = state.params[name]
        updates, opt_state[name] = optimizer.update(gradient, state.opt_state[name], before)
        params[name] = optax.apply_updates(before, updates)
    return state.replace(params=params, opt_state=opt_state)
