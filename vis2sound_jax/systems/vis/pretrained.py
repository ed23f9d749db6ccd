"""AlexNet's convolutions as streams, as in the paper: computed once, and only the full layers are tuned."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.alexnet import AlexNet
from vis2sound_jax.systems.vis.watching import Pairs, Rows, film_windows
from vis2sound_jax.training.checkpoint import load_params
from vis2sound_jax.video.frames import IMAGENET, centre_crop, normalise
from vis2sound_jax.video.spacetime import spacetime_images
from vis2sound_jax.weights.convert import params_from_state_dict
from vis2sound_jax.weights.files import read_state_dict
from vis2sound_jax.weights.sizes import sizes_from_state_dict

_SIDE = 224
_BATCH = 32
FULL = ("full6", "full7")
"""The layers that are tuned."""


@functools.lru_cache(maxsize=1)
def load_alexnet(path: str) -> tuple[AlexNet, Mapping[str, Any]]:
    """Reads ImageNet weights in torchvision's names, or what `--job=convert --kind=alexnet` made of them.

    Args:
      path: `config.streams.weights`, a file or the folder of the conversion.

    Returns:
      The network and its parameters.

    Raises:
      UserError: if no file is named, or it is none of AlexNet's weights.
    """
    if not path:
        raise UserError(
            "config.streams.kind is 'alexnet', but config.streams.weights names no file; name torchvision's "
            "alexnet weights, or set config.streams.kind='small'"
        )
    if Path(path).expanduser().is_dir():
        params = load_params(Path(path).expanduser() / "alexnet" / "checkpoints")
        widths = tuple(params[f"conv{number}"]["kernel"].shape[-1] for number in range(1, 6))
        return AlexNet(widths, params["full7"]["kernel"].shape[-1]), params
    state = read_state_dict(path)
    net = AlexNet(**sizes_from_state_dict(state, "alexnet"))
    expected = jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((1, _SIDE, _SIDE, 3)))
    return net, params_from_state_dict(state, "alexnet", expected)["params"]


class AlexNetWatcher:
    """Both streams by the same convolutions."""

    def __init__(self, net: AlexNet, params: Mapping[str, Any]) -> None:
        """Takes the network and its parameters."""
        self.net, self.params = net, params

    def watch(self, frames: Pairs, *, sparse: bool = False) -> Rows:
        """Computes pool5 of every space-time image and of every colour frame.

        Args:
          frames: of the film, at least 224 pixels each way.
          sparse: makes no difference here.

        Returns:
          Rows of motion and of colour, [t, 6 * 6 * c] each.

        Raises:
          UserError: if the frames are smaller.
        """
        parts = [self._window(grey, colour) for grey, colour in film_windows(frames)]
        motion, look = (np.concatenate([part[k] for part in parts])[: len(frames)] for k in (0, 1))
        return motion, look

    def _window(self, grey: np.ndarray, colour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if min(grey.shape[1:]) < _SIDE:
            raise UserError(
                f"frames are {grey.shape[1]} x {grey.shape[2]}; AlexNet's streams need {_SIDE} pixels each way, "
                "raise config.data.height and config.data.width"
            )
        return self._rows(np.asarray(spacetime_images(grey))[1:-1]), self._rows(colour)

    def _rows(self, images: np.ndarray) -> np.ndarray:
        found = []
        for first in range(0, len(images), _BATCH):
            batch = normalise(centre_crop(images[first : first + _BATCH], _SIDE, _SIDE), IMAGENET)
            padded = np.pad(batch, ((0, _BATCH - len(batch)), (0, 0), (0, 0), (0, 0)))
            found.append(_pool5(self.net, self.params, padded)[: len(batch)])
        return np.concatenate(jax.device_get(found)).reshape(len(images), -1)


@functools.partial(jax.jit, static_argnums=0)
def _pool5(net: AlexNet, params: Any, images: np.ndarray) -> jax.Array:
    return net.apply({"params": params}, images, method="pool5")


def with_full_layers(params: Mapping[str, Any], alexnet: Mapping[str, Any]) -> dict[str, Any]:
    """Puts ImageNet's full layers into a fresh recurrent network, one copy a stream.

    Args:
      params: of an `ImpactLSTM` with the head "alexnet".
      alexnet: parameters of AlexNet.

    Returns:
      The parameters to start from.
    """
    full = {name: alexnet[name] for name in FULL}
    return {**params, "motion_alexnet": full, "still_alexnet": full}
