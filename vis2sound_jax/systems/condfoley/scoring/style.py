"""The row of style transfer: its network, from a file that the user names or with random filters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from vis2sound_jax.evaluation.style_transfer import StyleTransfer
from vis2sound_jax.models.vgg import VGG19Head
from vis2sound_jax.training.keys import named_key
from vis2sound_jax.training.progress import track
from vis2sound_jax.weights.convert import params_from_state_dict
from vis2sound_jax.weights.files import read_state_dict
from vis2sound_jax.weights.sizes import sizes_from_state_dict

PRETRAINED = "style transfer (given the true sound)"
RANDOM = "style transfer, random filters (given the true sound)"
_IMAGE = (1, 16, 16, 3)


@dataclass(frozen=True)
class StyleRow:
    """What makes the pictures of the row.

    Attributes:
      name: of the row; it says whether the filters are random, and what the row is given.
      maker: the rules.
      params: of the network.
    """

    name: str
    maker: StyleTransfer
    params: Mapping[str, Any]

    def pictures(
        self, true: Float[np.ndarray, "b f t"], examples: Float[np.ndarray, "b f t"]
    ) -> Float[np.ndarray, "b f t"]:
        """Turns true mels into ones with the style of the examples'; all are log-mels in [0, 1].

        Args:
          true: log-mels in [0, 1] of the true sounds.
          examples: log-mels in [0, 1] of the examples.

        Returns:
          Log-mels in [0, 1].
        """
        pairs = track(list(zip(true, examples, strict=True)), "style transfer", unit="pair")
        return np.stack([self.maker(self.params, content, style)[0] for content, style in pairs])


def style_row(config: Any) -> StyleRow | None:
    """Builds the row that `config.evaluate` asks for.

    Args:
      config: `evaluate.style_transfer`, `evaluate.style_weights`, `evaluate.style_iterations` and `seed`.

    Returns:
      The row, or None where none is asked for.

    Raises:
      UserError: if the file is none of VGG19's weights.
    """
    settings = config.evaluate
    if not settings.style_transfer:
        return None
    if not settings.style_weights:
        net = VGG19Head()
        params = net.init(named_key(config.seed, "style"), jnp.zeros(_IMAGE))["params"]
        return StyleRow(RANDOM, StyleTransfer(net, settings.style_iterations), params)
    state = read_state_dict(settings.style_weights)
    net = VGG19Head(**sizes_from_state_dict(state, "vgg19"))
    expected = jax.eval_shape(net.init, jax.random.key(0), jnp.zeros(_IMAGE))
    params = params_from_state_dict(state, "vgg19", expected)["params"]
    return StyleRow(PRETRAINED, StyleTransfer(net, settings.style_iterations), params)
