"""Converts released weights into what training would have left: `--job=convert --kind=KIND --source=FILE --output=DIR`.

A folder can take several kinds one after another; a transformer's file brings its codebook and video network with it.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax import build
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.jobs.outputs import sha256
from vis2sound_jax.models.alexnet import AlexNet
from vis2sound_jax.models.discriminators import PatchDiscriminator
from vis2sound_jax.models.r2plus1d import R2Plus1D
from vis2sound_jax.models.transformer import Transformer
from vis2sound_jax.models.vggishish import Vggishish
from vis2sound_jax.models.video_onset import VideoOnsetNet
from vis2sound_jax.models.vocoder import MelGAN
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.training.checkpoint import Checkpointer
from vis2sound_jax.training.task import TrainState
from vis2sound_jax.weights.convert import params_from_state_dict
from vis2sound_jax.weights.files import read_state_dict
from vis2sound_jax.weights.sizes import sizes_from_state_dict
from vis2sound_jax.whole import write_json

StateDict = Mapping[str, np.ndarray]
_SECTIONS = ("mel", "encoder", "codebook", "transformer", "vocoder")
_SHUFFLE = "first_stage_permuter.forward_shuffle_idx"


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Converts the file that `config.request` names.

    Args:
      config: the settings; sizes are read from the file, what leaves no trace in it from here.
      workdir: not used.

    Returns:
      What was written, and which settings of the config the file changed.

    Raises:
      UserError: if the kind is unknown, the file is not of this kind, or the folder holds something else.
    """
    request = config.request
    if not (request.kind and request.source and request.output):
        raise UserError("--job=convert needs --kind=KIND, --source=FILE and --output=DIR")
    if request.kind not in _KINDS:
        raise UserError(f"--kind={request.kind}: there is no such kind; it must be one of {', '.join(_KINDS)}")
    if request.kind != "alexnet" and "transformer" not in config:
        raise UserError(f"--kind={request.kind} belongs to configs/condfoley.py; name that one as --config")
    source, output = Path(request.source).expanduser(), Path(request.output).expanduser()
    settings = _known_settings(config, output)
    state = read_state_dict(source)
    try:
        found = _KINDS[request.kind](state, settings)
    except UserError as error:
        raise file_error(source, str(error), _hint(state, request.kind)) from None
    output.mkdir(parents=True, exist_ok=True)
    meta = {"converted_from": source.name, "sha256": sha256(source)}
    for stage, trees in found.items():
        _save(output / stage / "checkpoints", trees, meta)
    changed = _changed(config, settings)
    write_json(output / "config.json", json.loads(settings.to_json()))
    return {"weights": ", ".join(str(output / stage) for stage in found), **({"use": changed} if changed else {})}


def _known_settings(config: Any, output: Path) -> Any:
    """The config, with what an earlier conversion into the same folder found."""
    settings = config.copy_and_resolve_references()
    path = output / "config.json"
    if not path.exists():
        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise file_error(output, "holds something else", "name a new folder as --output")
        return settings
    earlier = json.loads(path.read_text(encoding="utf-8"))
    if earlier.get("name") != config.name:
        raise file_error(output, f"holds weights for {earlier.get('name')}", "name another --output or --config")
    for section in _SECTIONS:
        if section in settings:
            settings[section].update(earlier[section])
    return settings


def _save(folder: Path, trees: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    state = TrainState(jnp.int32(0), trees["params"], {}, trees.get("variables", {}))
    with Checkpointer(folder) as checkpointer:
        checkpointer.save(state, {}, meta)


def _shapes(net: Any, *inputs: tuple[int, ...], **more: Any) -> Any:
    """The variables that a network has."""
    arrays = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in inputs]
    return jax.eval_shape(lambda *given: net.init(jax.random.key(0), *given, **more), *arrays)


def _codebook(state: StateDict, settings: Any) -> dict[str, Any]:
    sizes = sizes_from_state_dict(state, "codebook")
    step = 2 ** (len(sizes["ch_mult"]) - 1)
    n_mels = settings.mel.n_mels
    params = params_from_state_dict(state, "codebook", _shapes(VQGAN(**sizes), (1, n_mels, 10 * step)))["params"]
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
    shapes = _shapes(net, (1, 80, 160), use_running_average=True)
    found = params_from_state_dict(state, "discriminator", shapes)
    return {
        "params": {"generator": generator, "discriminator": found["params"]},
        "variables": {"batch_stats": found["batch_stats"]},
    }


def _video(state: StateDict, settings: Any) -> dict[str, Any]:
    sizes = sizes_from_state_dict(state, "r2plus1d")
    expected = _shapes(R2Plus1D(**sizes), (1, 2, 16, 16, 3), use_running_average=True)
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
    params = params_from_state_dict(state, "melgan", _shapes(net, (1, net.n_mels, 8)))["params"]
    layers = {"kind": "melgan", "width": net.width, "residual_layers": net.residual_layers}
    settings.vocoder.update(layers)
    return {"vocoder": {"params": {"generator": params}}}


def _video_onset(state: StateDict, settings: Any) -> dict[str, Any]:
    sizes = sizes_from_state_dict(state, "video_onset")
    expected = _shapes(VideoOnsetNet(**sizes), (1, 2, 16, 16, 3), use_running_average=True)
    found = params_from_state_dict(state, "video_onset", expected)
    settings.encoder.update({"kind": "r2plus1d", "widths": sizes["widths"], "width": sizes["widths"][-1]})
    return {"encoder": {"params": found["params"], "variables": {"batch_stats": found["batch_stats"]}}}


def _r2plus1d(state: StateDict, settings: Any) -> dict[str, Any]:
    found = _video(state, settings)
    return {"r2plus1d": {"params": found["params"], "variables": {"batch_stats": found["batch_stats"]}}}


def _vggishish(state: StateDict, settings: Any) -> dict[str, Any]:
    net = Vggishish(**sizes_from_state_dict(state, "vggishish"))
    expected = _shapes(net, (1, settings.mel.n_mels, 160))
    return {"vggishish": {"params": params_from_state_dict(state, "vggishish", expected)["params"]}}


def _alexnet(state: StateDict, settings: Any) -> dict[str, Any]:
    net = AlexNet(**sizes_from_state_dict(state, "alexnet"))
    params = params_from_state_dict(state, "alexnet", _shapes(net, (1, 224, 224, 3)))["params"]
    return {"alexnet": {"params": params}}


_KINDS: Mapping[str, Callable[[StateDict, Any], dict[str, Any]]] = {
    "codebook": _codebook,
    "transformer": _transformer,
    "melgan": _melgan,
    "r2plus1d": _r2plus1d,
    "video_onset": _video_onset,
    "vggishish": _vggishish,
    "alexnet": _alexnet,
}


def _hint(state: StateDict, asked: str) -> str:
    """Says which kind a file rather looks like."""
    for kind in _KINDS:
        try:
            sizes_from_state_dict(state, kind)
        except UserError:
            continue
        if kind != asked:
            return f"it looks like --kind={kind}"
    return "give the file of this kind, whole and as it was released"


def _changed(config: Any, settings: Any) -> str:
    """The flags that tell other jobs what the file has and the config has not."""
    flags = []
    for section in (name for name in _SECTIONS if name in config):
        before = json.loads(config[section].to_json())
        for key, value in json.loads(settings[section].to_json()).items():
            if before[key] != value:
                flags.append(f"--config.{section}.{key}={value}")
    return " ".join(flags)
