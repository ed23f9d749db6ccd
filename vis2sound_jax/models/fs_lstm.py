"""Fast-slow long short-term memory (Mujika, Meier & Steger 2017) with layer-normalised cells and zoneout.

Several fast cells share one state and take turns within a step; one slow cell, updated once a step, sits between the
first two. AutoFoley reads a film with it (Ghose & Prevost 2020). All steps are one scan. What does not depend on the
state is computed for all steps at once, as in `models.lstm`: the first cell's share of the input going forward, the
gradients of all matrices going back.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

EPSILON = 1e-3
"""Added to variances before the square root, as in the published code."""
FORGET_BIAS = 1.0
"""Added to the forget gate: a young cell remembers."""
CELL_PARAMS = ("wx", "wh", "b", "gain", "shift", "cell_gain", "cell_shift")
"""Arrays of a cell: `wx` [d, 4k], `wh` [k, 4k], `b`, `gain`, `shift` [4k], `cell_gain`, `cell_shift` [k]."""


@struct.dataclass
class FastSlowState:
    """What goes from step to step.

    Attributes:
      fast_h: [b, k] output of the fast cells.
      fast_c: [b, k] their cell.
      slow_h: [b, k] output of the slow cell.
      slow_c: [b, k] its cell.
    """

    fast_h: jax.Array
    fast_c: jax.Array
    slow_h: jax.Array
    slow_c: jax.Array


@struct.dataclass
class Masks:
    """What is left out in training, and how states are blended afterwards; axes of size 1 hold for all.

    Attributes:
      h: [t, n, b, k] share of a cell's new output that is taken, the rest is the old one; n cells in their order.
      c: [t, n, b, k] the same for the cell.
      down: [t, b, k] factor of what the slow cell hears from the first fast one.
      up: [t, b, k] factor of what the second fast cell hears from the slow one.
    """

    h: jax.Array
    c: jax.Array
    down: jax.Array
    up: jax.Array


def _normal(x: Float[Array, "... k b"]) -> Float[Array, "... k b"]:
    centred = x - x.mean(axis=-2, keepdims=True)
    return centred * lax.rsqrt((centred**2).mean(axis=-2, keepdims=True) + EPSILON)


def _cell(z: Array, h: Array, c: Array, norms: tuple[Array, ...], share_h: Array, share_c: Array) -> tuple[Any, Any]:
    """What a cell does after its products: z [4k, b] → output and cell; gates in the order i, j, f, o."""
    gain, shift, cell_gain, cell_shift = norms
    k, b = h.shape
    gates = _normal(z.reshape(4, k, b)) * gain.reshape(4, k, 1) + shift.reshape(4, k, 1)
    i, j, f, o = (gates[n] for n in range(4))
    new_c = c * jax.nn.sigmoid(f + FORGET_BIAS) + jax.nn.sigmoid(i) * jnp.tanh(j)
    new_h = jnp.tanh(_normal(new_c) * cell_gain[:, None] + cell_shift[:, None]) * jax.nn.sigmoid(o)
    return share_h * new_h + (1 - share_h) * h, share_c * new_c + (1 - share_c) * c


def _inputs(cell: int, state: FastSlowState, down: Array, up: Array) -> Array:
    """What the matrix of a cell is multiplied with: cells in the order first fast, slow, second fast and so on."""
    if cell == 1:
        return jnp.concatenate([state.fast_h * down, state.slow_h])
    if cell == 2:
        return jnp.concatenate([state.slow_h * up, state.fast_h])
    return state.fast_h


def _after(cell: int, state: FastSlowState, h: Array, c: Array) -> FastSlowState:
    if cell == 1:
        return dataclasses.replace(state, slow_h=h, slow_c=c)
    return dataclasses.replace(state, fast_h=h, fast_c=c)


def _before(cell: int, state: FastSlowState) -> tuple[Array, Array]:
    return (state.slow_h, state.slow_c) if cell == 1 else (state.fast_h, state.fast_c)


def _step(state: FastSlowState, now: Any, turned: Any, biases: Any, norms: Any) -> tuple[FastSlowState, Any]:
    """One step of all cells, and what each of them started from: its product z, its output and its cell."""
    z_0, masks = now
    kept = []
    for n, matrix in enumerate(turned):
        z = matrix @ _inputs(n, state, masks.down, masks.up) + (biases[n - 1][:, None] if n else z_0)
        h, c = _before(n, state)
        kept.append((z, h, c))
        state = _after(n, state, *_cell(z, h, c, norms[n], masks.h[n], masks.c[n]))
    return state, (state.fast_h, kept)


def _turned(matrices: Any) -> Any:
    """The matrices transposed once: inside the scan a product would read them against their order at every step."""
    return lax.optimization_barrier([matrix.T for matrix in matrices])


@jax.custom_vjp
def _recur(
    z_0: Float[Array, "t g b"], matrices: Any, biases: Any, norms: Any, masks: Masks, state: FastSlowState
) -> tuple[Float[Array, "t k b"], FastSlowState]:
    """Runs the recurrence; `z_0` holds the first cell's input and bias. Without a gradient nothing is kept.

    Sequences are columns here: a matrix times columns is on the CPU half as fast again as rows times its transpose,
    and a norm over a column is added up for all sequences at once.
    """
    turned = _turned(matrices)

    def step(carry: FastSlowState, now: Any) -> tuple[FastSlowState, Array]:
        carry, (h, _) = _step(carry, now, turned, biases, norms)
        return carry, h

    last, h = lax.scan(step, state, (z_0, masks))
    return h, last


def _recur_forward(z_0: Array, matrices: Any, biases: Any, norms: Any, masks: Masks, state: FastSlowState) -> Any:
    turned = _turned(matrices)
    last, (h, kept) = lax.scan(lambda s, now: _step(s, now, turned, biases, norms), state, (z_0, masks))
    return (h, last), (matrices, norms, masks, last.slow_h, kept)


def _recur_backward(residuals: Any, cotangents: Any) -> tuple[Any, ...]:
    matrices, norms, masks, slow_h, kept = residuals
    dh, last = cotangents
    k = dh.shape[1]

    def step(carry: Any, now: Any) -> tuple[Any, Any]:
        d, dnorms = carry
        dh_t, kept_t, masks_t = now
        d, dz, dnorms = dataclasses.replace(d, fast_h=d.fast_h + dh_t), [None] * len(matrices), list(dnorms)
        for n in reversed(range(len(matrices))):
            shares = masks_t.h[n], masks_t.c[n]
            _, pull = jax.vjp(lambda z, h, c, p, shares=shares: _cell(z, h, c, p, *shares), *kept_t[n], norms[n])
            dz[n], *before, dnorm = pull(_before(n, d))
            dnorms[n] = jax.tree.map(jnp.add, dnorms[n], dnorm)
            d = _after(n, d, *before)
            into = matrices[n] @ dz[n]
            if n == 1:
                down = d.fast_h + into[:k] * masks_t.down
                d = dataclasses.replace(d, fast_h=down, slow_h=d.slow_h + into[k:])
            elif n == 2:
                d = dataclasses.replace(d, slow_h=d.slow_h + into[:k] * masks_t.up, fast_h=d.fast_h + into[k:])
            else:
                d = dataclasses.replace(d, fast_h=d.fast_h + into)
        return (d, dnorms), dz

    zeros = jax.tree.map(jnp.zeros_like, list(norms))
    (first, dnorms), dz = lax.scan(step, (last, zeros), (dh, kept, masks), reverse=True)
    heard = [_heard(n, kept, masks, slow_h) for n in range(len(matrices))]
    dmatrices = [jnp.einsum("tib,tgb->ig", *pair) for pair in zip(heard, dz, strict=True)]
    dbiases = [d.sum(axis=(0, 2)) for d in dz[1:]]
    return dz[0], dmatrices, dbiases, dnorms, jax.tree.map(jnp.zeros_like, masks), first


def _heard(cell: int, kept: Any, masks: Masks, slow_h: Array) -> Array:
    """What the matrix of a cell was multiplied with at all steps, out of what the cells started from."""
    if cell == 1:  # the second fast cell starts from what the first one gave
        return jnp.concatenate([kept[2][1] * masks.down, kept[1][1]], axis=1)
    if cell == 2:  # the slow cell's next start is what it gave
        given = jnp.concatenate([kept[1][1][1:], slow_h[None]])
        return jnp.concatenate([given * masks.up, kept[2][1]], axis=1)
    return kept[cell][1]


_recur.defvjp(_recur_forward, _recur_backward)


def fs_lstm(
    params: Mapping[str, Any],
    x: Float[Array, "b t d"],
    state: FastSlowState | None = None,
    masks: Masks | None = None,
) -> tuple[Float[Array, "b t k"], FastSlowState]:
    """Runs the network over whole sequences.

    Within a step, (h, c) being the fast cells' shared state: F0 hears x_t, S hears h, F1 hears S's output, every later
    fast cell hears nothing but the state. A cell makes z = LN([x, h] W + b), normalised for each of the gates i, j, f,
    o by itself, c' = c s(f + 1) + s(i) tanh(j) and h' = tanh(LN(c')) s(o), s the logistic function.

    Args:
      params: `fast_0`, `fast_1`, …, at least two, and `slow`, each a cell as `CELL_PARAMS` says; from `fast_2` on they
        have no `wx`.
      x: one vector a step, t >= 1.
      state: before the first step; zeros if None.
      masks: see `Masks`; None takes everything as it is.

    Returns:
      The last fast cell's output at every step, and the state after the last.
    """
    b, t, _ = x.shape
    fast = sorted((name for name in params if name.startswith("fast_")), key=lambda name: int(name[5:]))
    cells = [params[name] for name in (fast[0], "slow", *fast[1:])]
    matrices = [
        cells[0]["wh"],
        *(jnp.concatenate([c["wx"], c["wh"]]) for c in cells[1:3]),
        *(c["wh"] for c in cells[3:]),
    ]
    norms = [tuple(cell[name] for name in CELL_PARAMS[3:]) for cell in cells]
    z_0 = jnp.einsum("btd,dg->tgb", x, cells[0]["wx"]) + cells[0]["b"][:, None]
    if state is None:
        state = FastSlowState(*(jnp.zeros((b, z_0.shape[1] // 4), z_0.dtype),) * 4)
    if masks is None:
        masks = even_masks(t, len(cells))
    masks = jax.tree.map(lambda m: m.astype(z_0.dtype).swapaxes(-1, -2), masks)
    state = jax.tree.map(jnp.transpose, state)
    h, last = _recur(z_0, matrices, [cell["b"] for cell in cells[1:]], norms, masks, state)
    return h.transpose(2, 0, 1), jax.tree.map(jnp.transpose, last)


def even_masks(steps: int, cells: int, keep_h: float = 1.0, keep_c: float = 1.0) -> Masks:
    """Masks as used after training: states are blended by the rates at which they were kept, nothing is dropped.

    Args:
      steps: t.
      cells: n, the slow one among them.
      keep_h: share of the new output.
      keep_c: share of the new cell.
    """
    shape, one = (steps, cells, 1, 1), jnp.ones((steps, 1, 1))
    return Masks(jnp.full(shape, keep_h), jnp.full(shape, keep_c), one, one)


def drawn_masks(
    key: PRNGKeyArray,
    shape: tuple[int, int, int, int],
    keep_h: float = 0.9,
    keep_c: float = 0.5,
    dropout: float = 0.0,
) -> Masks:
    """Masks for training: zoneout takes the new value or keeps the old one, number by number (Krueger et al. 2017).

    Args:
      key: random key.
      shape: t, n, b and k.
      keep_h: probability that a number of the output is new.
      keep_c: the same of the cell.
      dropout: share of what passes between fast and slow cells that is dropped.
    """
    t, n, b, k = shape
    keys = jax.random.split(key, 4)
    between = [jax.random.bernoulli(one, 1 - dropout, (t, b, k)) / (1 - dropout) for one in keys[2:]]
    h, c = (jax.random.bernoulli(one, p, (t, n, b, k)) for one, p in zip(keys, (keep_h, keep_c), strict=False))
    return Masks(h, c, *between)


class FSLSTM(nn.Module):
    """The network with its weights; matrices start orthogonal, biases at zero.

    Attributes:
      width: k, of every cell's state.
      fast: number of fast cells, >= 2.
      keep_h: see `drawn_masks`.
      keep_c: see `drawn_masks`.
      dropout: share dropped of the input, of what passes between fast and slow cells, and of the output.
    """

    width: int = 512
    fast: int = 2
    keep_h: float = 0.9
    keep_c: float = 0.5
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, x: Float[Array, "b t d"], state: FastSlowState | None = None, *, train: bool = False
    ) -> tuple[Float[Array, "b t k"], FastSlowState]:
        """Returns the outputs and the last state.

        Args:
          x: one vector a step.
          state: before the first step; zeros if None.
          train: whether to drop and to keep old states at random; needs the random stream `dropout`.
        """
        b, t, d = x.shape
        inputs = {"fast_0": d, "slow": self.width, "fast_1": self.width}
        inputs |= {f"fast_{n}": 0 for n in range(2, self.fast)}
        params = {name: self._cell(name, width) for name, width in inputs.items()}
        x = nn.Dropout(self.dropout, name="drop_in")(x, deterministic=not train)
        if train:
            shape = (t, self.fast + 1, b, self.width)
            masks = drawn_masks(self.make_rng("dropout"), shape, self.keep_h, self.keep_c, self.dropout)
        else:
            masks = even_masks(t, self.fast + 1, self.keep_h, self.keep_c)
        h, last = fs_lstm(params, x, state, masks)
        return nn.Dropout(self.dropout, name="drop_out")(h, deterministic=not train), last

    def _cell(self, name: str, inputs: int) -> dict[str, Array]:
        """Parameters `NAME_wx` and so on; each matrix is orthogonal."""
        k, zeros, ones = self.width, nn.initializers.zeros, nn.initializers.ones
        starts = {"b": (zeros, 4 * k), "gain": (ones, 4 * k), "shift": (zeros, 4 * k)}
        starts |= {"cell_gain": (ones, k), "cell_shift": (zeros, k)}
        cell = {part: self.param(f"{name}_{part}", start, (size,)) for part, (start, size) in starts.items()}
        for part, rows in (("wx", inputs), ("wh", k)):
            if rows:
                cell[part] = self.param(f"{name}_{part}", nn.initializers.orthogonal(), (rows, 4 * k))
        return cell
