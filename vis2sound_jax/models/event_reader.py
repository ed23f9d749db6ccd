"""Reads events in what a video encoder saw: when they are, of which kind, and how hard.

The encoder judges a frame by less than a second around it. The reader looks at several seconds, at the plain energy
of motion beside the learned features, and changes the encoder's onset logits where these say otherwise.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

MOTION_CURVES = 4
"""Curves of motion energy that go in; see `video.motion.motion_curves`."""
FORCE_DB = 6.0
"""Decibels of one unit of `EventsRead.force`."""
_DILATIONS = (1, 2, 4, 8, 16)
_LEAST = 1e-4  # keeps the logit of a probability finite
_ODDS_SCALE = 0.25  # brings logits near the size of the other inputs
_KERNEL = 5


class EventsRead(NamedTuple):
    """What the reader says of every frame.

    Attributes:
      onset: [b, t] logits: an event begins here.
      scratch: [b, t] logits: an event here is a scratch and no hit.
      force: [b, t] how much louder an event here is than the recording's mean event, in units of `FORCE_DB`.
    """

    onset: Array
    scratch: Array
    force: Array


class EventReader(nn.Module):
    """Dilated convolutions over time; at 25 frames a second an output sees 2.5 s on both sides.

    Attributes:
      width: channels.
      dropout: share of the inputs and of the channels dropped in training.
      refine: whether to change the encoder's onset logits; otherwise they stay, and kinds and force alone are read.
    """

    width: int = 48
    dropout: float = 0.4
    refine: bool = True

    @nn.compact
    def __call__(
        self,
        features: Float[Array, "b t d"],
        onset: Float[Array, "b t"],
        motion: Float[Array, "b t m"],
        *,
        train: bool = False,
    ) -> EventsRead:
        """Reads clips of film.

        Args:
          features: of a video encoder, one vector a frame.
          onset: the encoder's probability that an event begins in the frame.
          motion: curves of motion energy; see `video.motion.motion_curves`.
          train: whether to drop units; needs the random stream `dropout`.

        Returns:
          Logits and force of every frame.
        """
        drop = nn.Dropout(self.dropout, deterministic=not train)
        odds = jnp.log(onset + _LEAST) - jnp.log1p(_LEAST - onset)
        x = nn.Dense(self.width, name="features_in")(drop(nn.LayerNorm(name="features_norm")(features)))
        x = jnp.concatenate([x, _ODDS_SCALE * odds[..., None], onset[..., None], motion], axis=-1)
        x = nn.Dense(self.width, name="all_in")(x)
        for dilation in _DILATIONS:
            inner = jax.nn.gelu(nn.LayerNorm(name=f"norm_{dilation}")(x))
            near = nn.Conv(self.width, (_KERNEL,), kernel_dilation=(dilation,), name=f"near_{dilation}")(inner)
            x = x + drop(near)
        out = nn.Dense(3, name="out")(jax.nn.gelu(nn.LayerNorm(name="norm_out")(x)))
        onset_logits = odds + out[..., 0] if self.refine else odds
        return EventsRead(onset_logits, out[..., 1], out[..., 2])
