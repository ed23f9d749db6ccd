"""Style transfer between log-mel pictures: a baseline that is given the true sound of the target.

The baseline of CondFoleyGen (Du et al. 2023) after Gatys et al. (2016): a picture whose responses in VGG19 are those of
the true mel and whose correlations of responses are those of the example's mel. Mended: the reference turns
mels in [-1, 1] into bytes, which wraps what is negative, and maps the result to [0, 1] twice. Here pictures stay
float in [0, 1]. All its channels are one, which its mean over channels asks for anyway.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from vis2sound_jax.models.vgg import VGG19Head

_CONTENT = 3  # the fourth convolution
_MEMORY = 20
_SEARCHES = 4  # evaluations of one line search; more change nothing


@dataclass(frozen=True)
class StyleTransfer:
    """How a picture is made.

    Attributes:
      net: sees the pictures.
      iterations: steps of L-BFGS (Liu and Nocedal 1989).
      style_weight: of the correlations against the responses.
    """

    net: VGG19Head
    iterations: int = 300
    style_weight: float = 1e6

    def __call__(
        self, params: Mapping[str, Any], content: Float[np.ndarray, "f t"], style: Float[np.ndarray, "f u"]
    ) -> tuple[Float[np.ndarray, "f t"], Float[np.ndarray, "k"]]:
        """Makes one picture, beginning at the content.

        Args:
          params: of the network.
          content: log-mel in [0, 1] whose events are kept: the true one of the target.
          style: log-mel in [0, 1] whose timbre is taken: the example's.

        Returns:
          The picture in [0, 1] with the least loss of all that were tried, and the loss before each step, k =
          `iterations`.
        """
        picture, losses = _optimise(self, params, jnp.asarray(content, jnp.float32), jnp.asarray(style, jnp.float32))
        return np.asarray(picture), np.asarray(losses)


def gram(responses: Float[Array, "1 h w c"]) -> Float[Array, "c c"]:
    """Correlates channels over places, divided by the number of values (Gatys et al. 2016, equation 3)."""
    flat = responses.reshape(-1, responses.shape[-1])
    return flat.T @ flat / responses.size


@functools.partial(jax.jit, static_argnums=0)
def _optimise(maker: StyleTransfer, params: Any, content: Array, style: Array) -> tuple[Array, Array]:
    def see(mel: Array) -> list[Array]:
        image = jnp.repeat(mel[None, :, :, None], 3, axis=-1)
        return maker.net.apply({"params": params}, image)

    wanted, grams = see(content)[_CONTENT], [gram(found) for found in see(style)]

    def loss(mel: Array) -> Array:
        found = see(mel)
        styles = [jnp.mean((gram(one) - other) ** 2) for one, other in zip(found, grams, strict=True)]
        return jnp.mean((found[_CONTENT] - wanted) ** 2) + maker.style_weight * sum(styles, jnp.float32(0))

    lbfgs = optax.lbfgs(memory_size=_MEMORY, linesearch=optax.scale_by_zoom_linesearch(_SEARCHES))

    def step(carry: tuple[Array, Any, Array, Array], _: None) -> tuple[Any, Array]:
        mel, state, best, least = carry
        value, slope = jax.value_and_grad(loss)(mel)
        better = value < least
        best, least = jnp.where(better, mel, best), jnp.minimum(value, least)
        change, state = lbfgs.update(slope, state, mel, value=value, grad=slope, value_fn=loss)
        return (jnp.clip(mel + change, 0.0, 1.0), state, best, least), value

    start = (content, lbfgs.init(content), content, jnp.float32(jnp.inf))
    (_, _, best, _), losses = jax.lax.scan(step, start, None, length=maker.iterations)
    return best, losses
