"""Every preset is a document: plain values that build networks which fit one another."""

import ast
import functools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from ml_collections import ConfigDict

from configs import condfoley
from vis2sound_jax import build
from vis2sound_jax.models.conditioning import sequence_inputs
from vis2sound_jax.models.impact_net import ImpactNet
from vis2sound_jax.models.vqgan import VQGAN

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.py"))
KEY = jax.random.key(0)


@pytest.fixture(params=condfoley.PRESETS)
def config(request: pytest.FixtureRequest) -> ConfigDict:
    return condfoley.get_config(request.param)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_configs_import_ml_collections_only(path: Path) -> None:
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert names == {"ml_collections"}


def test_a_config_survives_json_and_keeps_its_types(config: ConfigDict) -> None:
    again = ConfigDict(json.loads(config.to_json()))
    assert json.loads(again.to_json()) == json.loads(config.to_json())


def test_presets_differ_in_values_not_in_settings(config: ConfigDict) -> None:
    names = set(condfoley.get_config().to_dict())
    assert set(config.to_dict()) == names
    for section in names:
        if isinstance(config[section], ConfigDict):
            assert set(config[section]) == set(condfoley.get_config()[section])


def test_runs_of_presets_have_their_own_names() -> None:
    names = [condfoley.get_config(preset).name for preset in condfoley.PRESETS]
    assert len(set(names)) == len(names) and names[0] == "condfoley" == condfoley.get_config().name


def test_unknown_presets_are_told_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"unknown preset 'huge'; configs/condfoley.py has laptop, smoke, "):
        condfoley.get_config("huge")


def test_every_stage_says_what_it_depends_on(config: ConfigDict) -> None:
    assert set(config.stage_keys) == set(config.stages)
    for keys in config.stage_keys.values():
        assert set(keys) <= set(config) and "seed" in keys
    # What a stage reads of the stages before it, it depends on too.
    assert set(config.stage_keys.prepare) < set(config.stage_keys.encoder) < set(config.stage_keys.transformer)


def test_the_networks_of_a_preset_fit_one_another(config: ConfigDict) -> None:
    """Shapes alone: film → features → transformer; sound → codes → tokens → sound."""
    spec, columns = build.mel_spec(config), config.transformer.columns
    coder, net = build.codebook_net(config), build.transformer_net(config)
    mel = jax.ShapeDtypeStruct((1, spec.n_mels, columns * config.codebook.frames), jnp.float32)
    weights = jax.eval_shape(coder.init, KEY, mel)
    grid = jax.eval_shape(lambda weights, mel: coder.apply(weights, mel, method="encode"), weights, mel)
    assert grid.shape == (1, config.codebook.rows, columns)
    decode = "decode_code" if isinstance(coder, VQGAN) else "decode"
    sound = jax.eval_shape(lambda weights, grid: coder.apply(weights, grid, method=decode), weights, grid)
    assert sound.shape == mel.shape
    n, prefix = config.codebook.rows * columns, build.prefix_frames(config)
    features = jax.ShapeDtypeStruct((1, prefix or n, _features(config)), jnp.float32)
    tokens = jax.ShapeDtypeStruct((1, n), jnp.int32)
    batch = {"condition": tokens, "target": tokens, "condition_video": features, "target_video": features}
    batch["style"] = jax.ShapeDtypeStruct((1, 3 * spec.n_mels), jnp.float32)

    def logits(batch: dict[str, jax.Array]) -> jax.Array:
        inputs = sequence_inputs(batch, prefix=bool(prefix))
        return net.init_with_output(KEY, **inputs)[0]

    assert jax.eval_shape(logits, batch).shape == (1, 2 * (n + prefix) - 1, net.vocab)


def _features(config: ConfigDict) -> int:
    """Size of what the transformer sees of the film at a token or at a frame of the prefix."""
    net, data = build.encoder_net(config), config.data
    if not isinstance(net, ImpactNet):
        frames = jax.ShapeDtypeStruct((1, 16, data.height, data.width, 3), jnp.float32)
        see = functools.partial(net.init_with_output, use_running_average=True)
        return int(jax.eval_shape(see, KEY, frames)[0].shape[-1])
    frames = jax.ShapeDtypeStruct((1, 16, data.height, data.width), jnp.float32)
    seen = jax.eval_shape(net.init_with_output, KEY, frames)[0]
    assert seen.onset.shape == (1, 16) and seen.bands.shape == (1, 16, config.encoder.bands)
    return int(2 * seen.features.shape[-1] + 4)
