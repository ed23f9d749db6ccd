"""Converts released weights into what training would have left; a system says which kinds of file it knows.

A folder can take several kinds one after another.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.run.nearest import nearest
from vis2sound_jax.run.outputs import sha256
from vis2sound_jax.run.workdir import checkpoints_dir, config_path, settings_of
from vis2sound_jax.training.checkpoint import Checkpointer, is_kept, load_meta
from vis2sound_jax.training.task import TrainState
from vis2sound_jax.weights.files import read_state_dict
from vis2sound_jax.weights.sizes import sizes_from_state_dict
from vis2sound_jax.whole import write_json

StateDict = Mapping[str, np.ndarray]
Kinds = Mapping[str, Callable[[StateDict, Any], dict[str, Any]]]
"""Kind → (weights under their own names, settings) → stage → `params` and other variables; settings are updated."""


def convert(config: Any, kinds: Kinds, sections: tuple[str, ...]) -> dict[str, Any]:
    """Converts the file that `config.request` names.

    Args:
      config: the settings; sizes are read from the file, what leaves no trace in it from here.
      kinds: what the system can convert.
      sections: of the config, that a file may change.

    Returns:
      What was written, and which settings of the config the file changed.

    Raises:
      UserError: if the kind is unknown, the file is not of this kind, or the folder holds something else or
        such weights already.
    """
    request = config.request
    if not (request.kind and request.source and request.output):
        raise UserError("--job=convert needs --kind=KIND, --source=FILE and --output=DIR")
    if request.kind not in kinds:
        raise UserError(
            f"--kind={request.kind}: {config.system} has no such kind; it must be one of {', '.join(kinds)}"
            f"{nearest(request.kind, list(kinds))}"
        )
    source, output = Path(request.source).expanduser(), Path(request.output).expanduser()
    settings = _known_settings(config, output, sections)
    state = read_state_dict(source)
    try:
        found = kinds[request.kind](state, settings)
    except UserError as error:
        raise file_error(source, str(error), _hint(state, request.kind, kinds)) from None
    except Exception as error:  # arrays of any shapes may fail in any way
        problem = f"holds no weights of this kind ({type(error).__name__})"
        raise file_error(source, problem, _hint(state, request.kind, kinds)) from error
    _refuse_others(output, found)
    output.mkdir(parents=True, exist_ok=True)
    meta = {"converted_from": source.name, "sha256": sha256(source)}
    for stage, trees in found.items():
        _save(checkpoints_dir(output, stage), trees, meta)
    changed = _changed(config, settings, sections)
    write_json(config_path(output), json.loads(settings.to_json()))
    return {"weights": ", ".join(str(output / stage) for stage in found), **({"use": changed} if changed else {})}


def shapes_of(net: Any, *inputs: tuple[int, ...], **more: Any) -> Any:
    """Computes the shapes of a network's variables.

    Args:
      net: a Flax module.
      *inputs: shapes of its arguments, float32.
      **more: further arguments.

    Returns:
      The variables as `jax.ShapeDtypeStruct`.
    """
    arrays = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in inputs]
    return jax.eval_shape(lambda *given: net.init(jax.random.key(0), *given, **more), *arrays)


def _known_settings(config: Any, output: Path, sections: tuple[str, ...]) -> Any:
    """The config, with what an earlier conversion into the same folder found."""
    settings = config.copy_and_resolve_references()
    path = config_path(output)
    if not path.exists():
        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise file_error(output, "holds something else", "name a new folder as --output")
        return settings
    earlier = settings_of(output)
    if earlier.get("name") != config.name:
        raise file_error(output, f"holds weights for {earlier.get('name')}", "name another --output or --config")
    for section in sections:
        if section in settings:
            settings[section].update(earlier[section])
    return settings


def _refuse_others(output: Path, stages: Iterable[str]) -> None:
    """Refuses a folder with weights of these stages: their settings would be those of the new ones."""
    for stage in stages:
        place = checkpoints_dir(output, stage)
        if is_kept(place):
            source = load_meta(place).get("converted_from", "a training")
            raise file_error(output / stage, f"holds weights of {source} already", "name another --output")


def _save(folder: Path, trees: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    state = TrainState(jnp.int32(0), trees["params"], {}, trees.get("variables", {}))
    with Checkpointer(folder) as checkpointer:
        checkpointer.save(state, {}, meta)


def _hint(state: StateDict, asked: str, kinds: Kinds) -> str:
    """Says which kind a file rather looks like."""
    for kind in kinds:
        try:
            sizes_from_state_dict(state, kind)
        except UserError:
            continue
        if kind != asked:
            return f"it looks like --kind={kind}"
    return "give the file of this kind, whole and as it was released"


def _changed(config: Any, settings: Any, sections: tuple[str, ...]) -> str:
    """The flags that tell other jobs what the file has and the config has not."""
    flags = []
    for section in (name for name in sections if name in config):
        before = json.loads(config[section].to_json())
        for key, value in json.loads(settings[section].to_json()).items():
            if before[key] != value:
                flags.append(f"--config.{section}.{key}={value}")
    return " ".join(flags)
