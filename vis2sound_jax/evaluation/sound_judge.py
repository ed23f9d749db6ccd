"""A judge of sounds: a small network fitted on real training spectrograms, asked what generated ones sound like.

Ghose & Prevost (2020) call the share that it names right sound-retrieval accuracy; what it says of real held-out sound
is the ceiling.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float32, Int

from vis2sound_jax.models.sound_cnn import SoundCNN

_BATCH, _RATE, _DECAY = 32, 2e-3, 0.02
_ASKED = 16  # spectrograms that are asked about at once, so that one program is compiled


@dataclass(frozen=True)
class SoundJudge:
    """A fitted judge.

    Attributes:
      net: the network.
      params: its weights.
      mean: of the training spectrograms.
      scale: their standard deviation.
    """

    net: SoundCNN
    params: Any
    mean: float
    scale: float

    def names(self, sounds: Sequence[Float32[np.ndarray, "k f"]]) -> Int[np.ndarray, "e"]:
        """Names the class of each sound.

        Args:
          sounds: spectrograms of equal size, log-amplitudes as those that it was fitted on.

        Returns:
          Indices of classes.
        """
        found = []
        for first in range(0, len(sounds), _ASKED):
            part = np.stack(sounds[first : first + _ASKED])
            padded = np.pad(part, ((0, _ASKED - len(part)), (0, 0), (0, 0)))
            logits = _apply(self.net, self.params, (padded - self.mean) / self.scale)
            found.append(np.asarray(logits).argmax(axis=1)[: len(part)])
        return np.concatenate(found) if found else np.zeros(0, int)


def fit_judge(
    sounds: Sequence[Float32[np.ndarray, "k f"]], labels: Sequence[int], classes: int, *, steps: int, seed: int
) -> SoundJudge:
    """Fits a judge on real sounds. They are shown shifted in time and louder or softer.

    Args:
      sounds: spectrograms of equal size, log-amplitudes.
      labels: class of each.
      classes: how many there are.
      steps: updates.
      seed: of start and order.

    Returns:
      The judge.
    """
    rng, net = np.random.default_rng(seed), SoundCNN(classes)
    some = np.stack([np.asarray(sounds[k], np.float32) for k in rng.permutation(len(sounds))[:64]])
    mean, scale = float(some.mean()), float(some.std()) + 1e-6
    params = jax.jit(net.init)(jax.random.key(seed), some[:1])["params"]
    optimizer = optax.adamw(optax.cosine_decay_schedule(_RATE, max(steps, 1)), weight_decay=_DECAY)
    state = optimizer.init(params)

    @jax.jit
    def update(params: Any, state: Any, x: jax.Array, label: jax.Array) -> Any:
        def loss(params: Any) -> jax.Array:
            logits = net.apply({"params": params}, x)
            return optax.softmax_cross_entropy_with_integer_labels(logits, label).mean()

        changes, state = optimizer.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, changes), state

    for _ in range(steps):
        places = rng.integers(len(sounds), size=_BATCH)
        shown = [np.roll(np.asarray(sounds[k], np.float32), rng.integers(len(sounds[k])), axis=0) for k in places]
        x = np.stack(shown) + rng.normal(0, 0.3, (_BATCH, 1, 1)).astype(np.float32)
        x = np.maximum(x, 0)
        params, state = update(params, state, (x - mean) / scale, jnp.asarray([labels[k] for k in places]))
    return SoundJudge(net, params, mean, scale)


@functools.partial(jax.jit, static_argnums=0)
def _apply(net: SoundCNN, params: Any, x: np.ndarray) -> jax.Array:
    return net.apply({"params": params}, jnp.asarray(x, jnp.float32))
