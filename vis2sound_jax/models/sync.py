"""Does this sound belong to this film, and if so, how late is it? A scorer of synchronisation.

Two small networks say of every frame what is seen and what is heard; the inner products of the two, summed over time
for every lag, are the logits of the offset. Sums rather than means make evidence add up: twice the film is twice as
sure, and the logits of the windows of a long film may simply be added. What is unknown is 0 and speaks for no lag.
"""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from vis2sound_jax.models.patches import neighbours

_RISE = 2  # moments over which a band's rise is taken


class SyncNet(nn.Module):
    """Logits over the offset between picture and sound.

    Attributes:
      lags: the greatest offset in frames; there are 2 lags + 1 classes, from the sound `lags` frames early to as late.
      hidden: width of both networks.
      width: size of the vectors that are compared.
      bands: groups of mel bands that the sound is heard in; must divide their number.
      dropout: share of the units dropped in training, the same ones for a whole clip.
    """

    lags: int
    hidden: int = 64
    width: int = 16
    bands: int = 16
    dropout: float = 0.2

    @nn.compact
    def __call__(
        self,
        features: Float[Array, "b t d"],
        onset: Float[Array, "b t"],
        sound: Float[Array, "b t m f"],
        mask: Float[Array, "b t"],
        *,
        train: bool = False,
    ) -> Float[Array, "b k"]:
        """Compares films with sounds.

        Args:
          features: of a video encoder, one vector a frame, of any size, >= 0.
          onset: the encoder's probability that an event begins in the frame.
          sound: log-mel in [0, 1] at m moments of every frame.
          mask: 1 in the frames to compare, 0 in those that only fill the window. A second or more should be 1.
          train: whether to drop units; needs the random stream `dropout`.

        Returns:
          [b, 2 lags + 1] logits; class k says that the sound is k - lags frames late.
        """
        seen = self._embed(self._film(features, onset), "film", train) * mask[..., None]
        heard = self._embed(self._sound(sound), "sound", train) * mask[..., None]
        t = seen.shape[1]
        padded = jnp.pad(heard, ((0, 0), (self.lags, self.lags), (0, 0)))
        sums = [jnp.sum(seen * padded[:, k : k + t], axis=(1, 2)) for k in range(2 * self.lags + 1)]
        return jnp.stack(sums, axis=-1)

    def _film(self, features: Float[Array, "b t d"], onset: Float[Array, "b t"]) -> Float[Array, "b t g"]:
        odds = jnp.log((onset + 1e-3) / (1.0 - onset + 1e-3))
        return jnp.concatenate([jnp.log1p(features), odds[..., None]], axis=-1)

    def _sound(self, sound: Float[Array, "b t m f"]) -> Float[Array, "b t g"]:
        b, t, m, f = sound.shape
        level = sound.reshape(b, t * m, self.bands, f // self.bands).mean(axis=-1)
        before = jnp.pad(level, ((0, 0), (_RISE, 0), (0, 0)), mode="edge")[:, :-_RISE]
        rise = nn.relu(level - before)
        return jnp.concatenate([level, 4.0 * rise], axis=-1).reshape(b, t, -1)

    def _embed(self, x: Float[Array, "b t g"], name: str, train: bool) -> Float[Array, "b t c"]:
        """Three frames, then five more, then a small vector: what happens within 0.15 s at 25 frames a second."""
        drop = nn.Dropout(self.dropout, broadcast_dims=(1,))
        x = nn.relu(nn.Dense(self.hidden, name=f"{name}_in")(x))
        x = drop(nn.LayerNorm(name=f"{name}_norm")(x), deterministic=not train)
        x = nn.relu(nn.Dense(self.hidden, name=f"{name}_near")(neighbours(x, 1)))
        return nn.Dense(self.width, name=f"{name}_out")(drop(neighbours(x, 1), deterministic=not train))
