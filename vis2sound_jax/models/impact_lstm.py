"""From film to cochleagram: two streams of features, a recurrent network, one linear map (Owens et al. 2016, 5.1).

The features come from networks that are trained before (`models.image_streams`, `models.alexnet`) and are computed
once; the layer that looks at each of them first is tuned here, as the paper tunes the fully connected layers of
AlexNet and keeps its convolutions.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from vis2sound_jax.models.alexnet import GRID, AlexNet
from vis2sound_jax.models.lstm import StackedLSTM


class ImpactLSTM(nn.Module):
    """x_t = [features of the space-time image, features of the first colour frame] → LSTM → sound.

    Attributes:
      width: of the LSTM; 256 in the paper.
      layers: of the LSTM; the paper has 2 for centred clips and 3 for long film.
      sound: numbers that describe a step of sound; 10 principal components in the paper.
      head: first layer over each stream: "dense", one layer of `head_width`, or "alexnet", fc6 and fc7.
      head_width: see `head`.
      recurrent: False for the ablation without memory.
      dropout: share of features dropped in training, the same ones for a whole clip; the paper has none.
      repeat: steps of sound a frame.
      ahead: frames that a step knows beyond its own; none in the paper, whose clips are as causal as its LSTM.
      glance: last values of a row of motion whose mean over the clip joins the look of the first frame; none in the
        paper. They are colours read where it moves: what is struck can be told from all frames of a short clip.
    """

    width: int = 256
    layers: int = 2
    sound: int = 10
    head: str = "dense"
    head_width: int = 128
    recurrent: bool = True
    dropout: float = 0.0
    repeat: int = 3
    ahead: int = 0
    glance: int = 0

    @nn.compact
    def __call__(
        self, motion: Float[Array, "b t d"], still: Float[Array, "b e"], *, train: bool = False
    ) -> Float[Array, "b n s"]:
        """Predicts the sound of clips.

        Args:
          motion: features of every frame's motion, of about unit variance for the head "dense".
          still: features of what the first frame looks like.
          train: whether to drop features; needs the random stream `dropout`.

        Returns:
          n = repeat * t steps; but for the glance, step j knows frames up to j // repeat + ahead only.
        """
        if self.glance:
            still = jnp.concatenate([still, motion[..., -self.glance :].mean(axis=1)], axis=-1)
        drop_motion = nn.Dropout(self.dropout, broadcast_dims=(1,), name="drop_motion")
        drop_still = nn.Dropout(self.dropout, name="drop_still")
        moved = self._look(drop_motion(motion, deterministic=not train), "motion")
        if self.ahead:
            t = moved.shape[1]
            padded = jnp.pad(moved, ((0, 0), (0, self.ahead), (0, 0)))
            moved = jnp.concatenate([padded[:, k : k + t] for k in range(self.ahead + 1)], axis=-1)
        held = self._look(drop_still(still, deterministic=not train), "still")
        x = StackedLSTM(self.width, self.layers, self.repeat, self.recurrent, name="lstm")(moved, held)
        return nn.Dense(self.sound, name="sound")(x)

    def _look(self, features: jax.Array, name: str) -> jax.Array:
        if self.head == "alexnet":
            pool5 = features.reshape(-1, GRID, GRID, features.shape[-1] // GRID**2)
            return AlexNet(name=f"{name}_alexnet").fc7(pool5).reshape(*features.shape[:-1], -1)
        return nn.relu(nn.Dense(self.head_width, kernel_init=nn.initializers.he_normal(), name=name)(features))
