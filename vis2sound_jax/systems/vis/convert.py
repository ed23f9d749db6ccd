"""Converts ImageNet weights for the streams: `--job=convert --kind=alexnet --source=FILE --output=DIR`."""

from pathlib import Path
from typing import Any

from vis2sound_jax.models.alexnet import AlexNet
from vis2sound_jax.run.conversion import StateDict, convert, shapes_of
from vis2sound_jax.weights.convert import params_from_state_dict
from vis2sound_jax.weights.sizes import sizes_from_state_dict


def _alexnet(state: StateDict, settings: Any) -> dict[str, Any]:
    net = AlexNet(**sizes_from_state_dict(state, "alexnet"))
    params = params_from_state_dict(state, "alexnet", shapes_of(net, (1, 224, 224, 3)))["params"]
    return {"alexnet": {"params": params}}


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Converts the file that `config.request` names; see `run.conversion.convert`.

    Args:
      config: the settings.
      workdir: not used.
    """
    return convert(config, {"alexnet": _alexnet}, ())
