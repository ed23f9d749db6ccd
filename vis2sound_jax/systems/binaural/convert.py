"""Converts released weights: `--job=convert --kind=KIND --source=FILE --output=DIR`.

The two files of a released pair go into one folder, one after the other: `resnet_trunk` (`visual_*.pth`) and
`audio_unet` (`audio_*.pth`). `resnet` is torchvision's, to start the visual network from.
"""

from pathlib import Path
from typing import Any

from vis2sound_jax.models.audio_unet import AudioUNet
from vis2sound_jax.models.resnet import SHRINK, ResNet
from vis2sound_jax.run.conversion import Kinds, StateDict, convert, shapes_of
from vis2sound_jax.weights.convert import params_from_state_dict
from vis2sound_jax.weights.sizes import sizes_from_state_dict

_STORED = {"use_running_average": True}


def _stored(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    return {kind: {"params": found["params"], "variables": {"batch_stats": found["batch_stats"]}}}


def _visual(kind: str, state: StateDict, settings: Any) -> dict[str, Any]:
    sizes = sizes_from_state_dict(state, kind)
    settings.upmix.update(sizes)
    shapes = shapes_of(ResNet(**sizes), (1, SHRINK, SHRINK, 3), **_STORED)
    return _stored(kind, params_from_state_dict(state, kind, shapes))


def _audio_unet(state: StateDict, settings: Any) -> dict[str, Any]:
    sizes = sizes_from_state_dict(state, "audio_unet")
    outputs = sizes.pop("outputs")
    settings.upmix.update(sizes)
    first = state["audionet_upconvlayer1.0.weight"].shape[0]
    deepest = state[f"audionet_convlayer{sizes['depth']}.0.weight"].shape[0]
    # What is seen is a vector: any two numbers of places of that product have the same weights.
    places = (first - deepest) // sizes["reduced"]
    channels, inputs = state["conv1x1.0.weight"].shape[1], state["audionet_convlayer1.0.weight"].shape[1]
    net = AudioUNet(**sizes, outputs=outputs)
    side = 2 ** sizes["depth"]
    shapes = shapes_of(net, (1, side, side, inputs), (1, 1, places, channels), **_STORED)
    return _stored("audio_unet", params_from_state_dict(state, "audio_unet", shapes))


KINDS: Kinds = {
    "audio_unet": _audio_unet,
    "resnet": lambda state, settings: _visual("resnet", state, settings),
    "resnet_trunk": lambda state, settings: _visual("resnet_trunk", state, settings),
}


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Converts the file that `config.request` names; see `run.conversion.convert`.

    Args:
      config: the settings.
      workdir: not used.
    """
    return convert(config, KINDS, ("upmix",))
