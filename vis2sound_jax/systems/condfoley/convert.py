"""Converts released weights of Conditional Foley: `--job=convert --kind=KIND --source=FILE --output=DIR`.

A transformer's file brings its codebook and video network with it.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.discriminators import PatchDiscriminator
from vis2sound_jax.models.r2plus1d import R2Plus1D
from vis2sound_jax.models.transformer import Transformer
from vis2sound_jax.models.vggishish import Vggishish
from vis2sound_jax.models.video_onset import VideoOnsetNet
from vis2sound_jax.models.vocoder import MelGAN
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.run.conversion import Kinds, StateDict, convert, shapes_of
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.weights.convert import params_from_state_dict
from vis2sound_jax.weights.sizes import sizes_from_state_dict

_SECTIONS = ("mel", "encoder", "codebook", "transformer", "vocoder")
_SHUFFLE = "first_stage_permuter.forward_shuffle_idx"


def _codebook(state: StateDict, settings: Any) -> dict[str, Any]:
    sizes = sizes_from_state_dict(state, "codebook")
    step = 2 ** (len(sizes["ch_mult"]) - 1)
    n_mels = settings.mel.n_mels
    params = params_from_state_dict(state, "codebook", shapes_of(VQGAN(**sizes), (1, n_mels, 10 * step)))["params"]
    settings.codebook.update(
        {
            "kind": "vqgan",
            "rows": n_mels // step,
            "frames": step,
            "codes": sizes["n_codes"],
            "latent": sizes["embed_dim"],
            "width": sizes["ch"],
            "blocks": sizes["num_res_blocks"],
            "levels": sizes["ch_mult"],
        }
    )
    return {"codebook": _with_discriminator(params, state)}


def _with_discriminator(generator: Any, state: StateDict) -> dict[str, Any]:
    """Puts the discriminator beside the codebook, as training does, if the file has one."""
    if not any(name.startswith("loss.discriminator.") for name in state):
        return {"params": {"generator": generator}}
    net = PatchDiscriminator(**sizes_from_state_dict(state, "discriminator"))
    shapes = shapes_of(net, (1, 80, 160), use_running_average=True)
    found = params_from_state_dict(state, "discriminator", shapes)
    return {
        "params": {"generator": generator, "discriminator": found["params"]},
        "variables": {"batch_stats": found["batch_stats"]},
    }


def _video(state: StateDict, settings: Any) -> dict[str, Any]:
    sizes = sizes_from_state_dict(state, "r2plus1d")
    expected = shapes_of(R2Plus1D(**sizes), (1, 2, 16, 16, 3), use_running_average=True)
    settings.encoder.update({"kind": "r2plus1d", "widths": sizes["widths"], "width": sizes["widths"][-1]})
    return params_from_state_dict(state, "r2plus1d", expected)


def _transformer(state: StateDict, settings: Any) -> dict[str, Any]:
    found = _codebook(state, settings)
    video = _video(state, settings)
    sizes = sizes_from_state_dict(state, "transformer")
    heads = settings.transformer.heads
    if sizes["width"] % heads:
        raise UserError(f"a width of {sizes['width']} does not divide by config.transformer.heads={heads}")
    net, width = Transformer(**sizes, heads=heads), settings.encoder.width
    expected = jax.eval_shape(
        lambda: net.init(jax.random.key(0), jnp.zeros((1, 2), jnp.int32), prefix=jnp.zeros((1, 2, width)))
    )
    params = params_from_state_dict(state, "transformer", expected)["params"]
    settings.transformer.update(
        {
            "columns": _columns(state, settings, sizes["slots"]),
            "conditioning": "prefix",
            "video": "frozen" if settings.transformer.video == "cached" else settings.transformer.video,
            "layers": sizes["layers"],
            "width": sizes["width"],
            "drop_condition": 0.0,
        }
    )
    own = {"params": {"transformer": params, "video": video["params"]}, "variables": {"video": video["batch_stats"]}}
    return {**found, "transformer": own}


def _columns(state: StateDict, settings: Any, slots: int) -> int:
    """Columns of a window, from the positions and from the order of the codes."""
    rows, prefix = settings.codebook.rows, 2 * build.PREFIX_FRAMES
    columns, rest = divmod(slots - prefix, 2 * rows)
    codes = state[_SHUFFLE].size if _SHUFFLE in state else columns * rows
    if rest or columns < 1 or codes != columns * rows:
        raise UserError(
            f"{slots} positions and {codes} codes a clip do not fit {prefix} video tokens and columns of {rows} codes"
        )
    return columns


def _melgan(state: StateDict, settings: Any) -> dict[str, Any]:
    sizes = sizes_from_state_dict(state, "melgan")
    net = MelGAN(**sizes)
    if (net.n_mels, net.hop) != (settings.mel.n_mels, settings.mel.hop):
        raise UserError(
            f"it sounds {net.n_mels} bands at {net.hop} samples a frame, and the config has {settings.mel.n_mels} at "
            f"{settings.mel.hop}"
        )
    params = params_from_state_dict(state, "melgan", shapes_of(net, (1, net.n_mels, 8)))["params"]
    layers = {"kind": "melgan", "width": net.width, "residual_layers": net.residual_layers}
    settings.vocoder.update(layers)
    return {"vocoder": {"params": {"generator": params}}}


def _video_onset(state: StateDict, settings: Any) -> dict[str, Any]:
    sizes = sizes_from_state_dict(state, "video_onset")
    expected = shapes_of(VideoOnsetNet(**sizes), (1, 2, 16, 16, 3), use_running_average=True)
    found = params_from_state_dict(state, "video_onset", expected)
    settings.encoder.update({"kind": "r2plus1d", "widths": sizes["widths"], "width": sizes["widths"][-1]})
    return {"encoder": {"params": found["params"], "variables": {"batch_stats": found["batch_stats"]}}}


def _r2plus1d(state: StateDict, settings: Any) -> dict[str, Any]:
    found = _video(state, settings)
    return {"r2plus1d": {"params": found["params"], "variables": {"batch_stats": found["batch_stats"]}}}


def _vggishish(state: StateDict, settings: Any) -> dict[str, Any]:
    net = Vggishish(**sizes_from_state_dict(state, "vggishish"))
    expected = shapes_of(net, (1, settings.mel.n_mels, 160))
    return {"vggishish": {"params": params_from_state_dict(state, "vggishish", expected)["params"]}}


_KINDS: Kinds = {
    "codebook": _codebook,
    "transformer": _transformer,
    "melgan": _melgan,
    "r2plus1d": _r2plus1d,
    "video_onset": _video_onset,
    "vggishish": _vggishish,
}


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Converts the file that `config.request` names; see `run.conversion.convert`.

    Args:
      config: the settings.
      workdir: not used.
    """
    return convert(config, _KINDS, _SECTIONS)
