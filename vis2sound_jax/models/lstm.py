"""Long short-term memory in torch's convention, made for wide inputs of which half stands still.

Everything that does not depend on the state is computed for all steps at once, as one product of matrices:
the input's share of the gates going forward, the gradients of both weight matrices going back. What is left for the
scans is one product with the recurrent weights a step. The network of Visually Indicated Sounds (Owens et al. 2016,
section 5.1) sees the first frame's colours beside every frame's motion; that constant half is projected once.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Float

State = tuple[jax.Array, jax.Array]
"""Output and cell, each [b, k]."""


def _activate(z: Float[Array, "... g"]) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Returns input, forget, cell and output gate, in torch's order."""
    i, f, g, o = jnp.split(z, 4, axis=-1)
    return jax.nn.sigmoid(i), jax.nn.sigmoid(f), jnp.tanh(g), jax.nn.sigmoid(o)


@jax.custom_vjp
def _recur(
    z: Float[Array, "b t g"], constant: Float[Array, "b g"], wh: Float[Array, "k g"], state: State
) -> tuple[Float[Array, "b t k"], State]:
    """Runs the recurrence over gates to which only the state's share is still to be added.

    Without a gradient the gates need not be kept, so this body keeps none; `_recur_forward` does.
    """

    def step(carry: State, z_t: jax.Array) -> tuple[State, jax.Array]:
        h, c = carry
        i, f, g, o = _activate(z_t + constant + h @ wh)
        c = f * c + i * g
        h = o * jnp.tanh(c)
        return (h, c), h

    last, h = lax.scan(step, state, z.swapaxes(0, 1))
    return h.swapaxes(0, 1), last


def _recur_forward(z: jax.Array, constant: jax.Array, wh: jax.Array, state: State) -> tuple[Any, Any]:
    def step(carry: State, z_t: jax.Array) -> tuple[State, Any]:
        h, c = carry
        i, f, g, o = _activate(z_t + constant + h @ wh)
        c = f * c + i * g
        h = o * jnp.tanh(c)
        return (h, c), (h, c, (i, f, g, o))

    last, (h, c, gates) = lax.scan(step, state, z.swapaxes(0, 1))
    return (h.swapaxes(0, 1), last), (wh, state, h, c, gates)


def _recur_backward(kept: Any, cotangents: Any) -> tuple[Any, ...]:
    wh, (h_0, c_0), h, c, gates = kept
    dh, last = cotangents
    # Transposed once: inside the scan the product would read the matrix against its order at every step.
    back = lax.optimization_barrier(wh.T)

    def step(carry: State, now: Any) -> tuple[State, jax.Array]:
        dh, dc = carry
        dh_t, c_t, c_before, (i, f, g, o) = now
        dh = dh + dh_t
        squashed = jnp.tanh(c_t)
        dc = dc + dh * o * (1 - squashed**2)
        di, df = dc * g * i * (1 - i), dc * c_before * f * (1 - f)
        dg, do = dc * i * (1 - g**2), dh * squashed * o * (1 - o)
        dz = jnp.concatenate([di, df, dg, do], axis=-1)
        return (dz @ back, dc * f), dz

    c_before = jnp.concatenate([c_0[None], c[:-1]])
    h_before = jnp.concatenate([h_0[None], h[:-1]])
    first, dz = lax.scan(step, last, (dh.swapaxes(0, 1), c, c_before, gates), reverse=True)
    dwh = h_before.reshape(-1, h.shape[-1]).T @ dz.reshape(-1, dz.shape[-1])
    return dz.swapaxes(0, 1), dz.sum(axis=0), dwh, first


_recur.defvjp(_recur_forward, _recur_backward)


def _forget(z: Float[Array, "b t g"], constant: Float[Array, "b g"]) -> tuple[Float[Array, "b t k"], State]:
    """Every step from a state of zeros; nothing is left to scan."""
    i, _, g, o = _activate(z + constant[:, None])
    c = i * g
    h = o * jnp.tanh(c)
    return h, (h[:, -1], c[:, -1])


def lstm(
    params: Mapping[str, Any],
    x: Float[Array, "b t d"],
    constant: Float[Array, "b e"] | None = None,
    state: State | None = None,
    *,
    repeat: int = 1,
    recurrent: bool = True,
) -> tuple[Float[Array, "b n k"], State]:
    """Runs one layer over whole sequences.

    With z_t = x_t wx + constant wc + h_{t-1} wh + b cut into i, f, g, o: c_t = s(f) c_{t-1} + s(i) tanh(g) and
    h_t = s(o) tanh(c_t), s the logistic function (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et
    al. 2000). The matrices are the transposes of torch's, and b is the sum of torch's two.

    Args:
      params: `wx` [d, 4k], `wh` [k, 4k], `b` [4k] and, if there is a constant input, `wc` [e, 4k].
      x: input that changes from step to step, t >= 1.
      constant: input that is the same at every step; equals its concatenation to each x_t.
      state: output and cell before the first step, [b, k] each; zeros if None.
      repeat: how many steps each x_t is held, >= 1; its projection is held, which costs nothing.
      recurrent: whether the state goes from step to step. Otherwise each step starts from zeros, and `state`
        and `wh` have no influence: the ablation "no RNN" of Owens et al. (2016, table 1).

    Returns:
      Outputs of the n = repeat * t steps, and the state after the last.
    """
    b, t, d = x.shape
    # Two axes keep this a plain product of matrices on every backend, its gradients too.
    z = (x.reshape(b * t, d) @ params["wx"]).reshape(b, t, -1)
    if repeat > 1:
        z = jnp.repeat(z, repeat, axis=1)
    bias = jnp.broadcast_to(params["b"], (b, z.shape[-1]))
    if constant is not None:
        bias = bias + constant @ params["wc"]
    if not recurrent:
        return _forget(z, bias)
    if state is None:
        zeros = jnp.zeros((b, z.shape[-1] // 4), z.dtype)
        state = (zeros, zeros)
    return _recur(z, bias, params["wh"], state)


def _uniform(bound: float) -> Any:
    """U(-bound, bound)."""
    return lambda key, shape: jax.random.uniform(key, shape, minval=-bound, maxval=bound)


def _bias(key: jax.Array, shape: tuple[int]) -> jax.Array:
    """Zeros, and ones at the forget gate: a young cell remembers (Jozefowicz et al. 2015)."""
    quarter = shape[0] // 4
    return jnp.zeros(shape).at[quarter : 2 * quarter].set(1.0)


class LSTM(nn.Module):
    """One layer with its weights: `wx`, `wh`, `b` and, where it is given a constant input, `wc`.

    Matrices start uniform, within 1 / sqrt of the number of inputs that they serve.

    Attributes:
      width: size of the state and of the output, k.
      repeat: how many steps each input is held.
      recurrent: whether the state goes from step to step.
    """

    width: int
    repeat: int = 1
    recurrent: bool = True

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "b t d"],
        constant: Float[Array, "b e"] | None = None,
        state: State | None = None,
    ) -> tuple[Float[Array, "b n k"], State]:
        """Returns the outputs of n = repeat * t steps and the last state; arguments as in `lstm`."""
        inputs = x.shape[-1] + (0 if constant is None else constant.shape[-1])
        gates = 4 * self.width
        params = {
            "wx": self.param("wx", _uniform(inputs**-0.5), (x.shape[-1], gates)),
            "wh": self.param("wh", _uniform(self.width**-0.5), (self.width, gates)),
            "b": self.param("b", _bias, (gates,)),
        }
        if constant is not None:
            params["wc"] = self.param("wc", _uniform(inputs**-0.5), (constant.shape[-1], gates))
        return lstm(params, x, constant, state, repeat=self.repeat, recurrent=self.recurrent)


class StackedLSTM(nn.Module):
    """Layers of equal width, of which only the last runs at the rate of the sound.

    Film has fewer frames than sound has steps. The layers below run once a frame; what they hand to the last
    is held for `repeat` steps (Owens et al. 2016, appendix A1.3). Parameters are `layer_0`, `layer_1`, …, each
    as in `LSTM`.

    Attributes:
      width: size of each layer's state and of the output.
      layers: number of layers, >= 1; the paper's have 2 for centred clips and 3 for long film.
      repeat: steps of sound a frame.
      recurrent: whether states go from step to step.
    """

    width: int = 256
    layers: int = 2
    repeat: int = 3
    recurrent: bool = True

    @nn.compact
    def __call__(self, x: Float[Array, "b t d"], constant: Float[Array, "b e"] | None = None) -> Float[Array, "b n k"]:
        """Returns the last layer's outputs.

        Args:
          x: one vector a frame.
          constant: one vector a film, seen by the first layer beside every frame's.

        Returns:
          Outputs of n = repeat * t steps. Step j is caused by frames up to j // repeat only.
        """
        for layer in range(self.layers):
            repeat = self.repeat if layer == self.layers - 1 else 1
            run = LSTM(self.width, repeat, self.recurrent, name=f"layer_{layer}")
            x, _ = run(x, constant if layer == 0 else None)
        return x
