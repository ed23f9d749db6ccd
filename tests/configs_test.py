"""Every preset is a document: plain values that build networks which fit one another."""

import ast
import contextlib
import functools
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import jax
import jax.numpy as jnp
import pytest
from ml_collections import ConfigDict

from configs import autofoley, binaural, condfoley, vis
from tests.recorder import Reads, recorded, unlisted
from vis2sound_jax.errors import UserError
from vis2sound_jax.models.conditioning import sequence_inputs
from vis2sound_jax.models.image_streams import SoundGuess
from vis2sound_jax.models.impact_net import ImpactNet
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.run.stage import FREE, listed, settings_for, system_module
from vis2sound_jax.systems.autofoley import build as autofoley_build
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.systems.vis import build as vis_build

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.py"))
KEY = jax.random.key(0)


FILES = (autofoley, binaural, condfoley, vis)
EVERY = [(file, preset) for file in FILES for preset in file.PRESETS]


def name_of(value: object) -> str:
    return value.__name__.rpartition(".")[2] if isinstance(value, ModuleType) else str(value)


@pytest.fixture(params=list(condfoley.PRESETS))
def config(request: pytest.FixtureRequest) -> ConfigDict:
    return condfoley.get_config(request.param)


@pytest.fixture(params=list(vis.PRESETS))
def vis_config(request: pytest.FixtureRequest) -> ConfigDict:
    return vis.get_config(request.param)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_configs_import_ml_collections_and_the_shared_sections_only(path: Path) -> None:
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert names == {"ml_collections", "vis2sound_jax.run.settings"}


@pytest.mark.parametrize(("file", "preset"), EVERY, ids=name_of)
def test_a_config_survives_json_and_keeps_its_types(file: ModuleType, preset: str) -> None:
    config = file.get_config(preset)
    again = ConfigDict(json.loads(config.to_json()))
    assert json.loads(again.to_json()) == json.loads(config.to_json())


@pytest.mark.parametrize(("file", "preset"), EVERY, ids=name_of)
def test_presets_differ_in_values_not_in_settings(file: ModuleType, preset: str) -> None:
    config, plain = file.get_config(preset), file.get_config()
    assert set(config.to_dict()) == set(plain.to_dict())
    for section in plain.to_dict():
        if isinstance(config[section], ConfigDict):
            assert set(config[section]) == set(plain[section])


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_runs_of_presets_have_their_own_names(file: ModuleType) -> None:
    # The ablations of the laptop go on in its folder.
    names = [file.get_config(preset).name for preset in file.PRESETS if preset != "laptop_ablations"]
    assert len(set(names)) == len(names) and names[0] == name_of(file) == file.get_config().name


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_unknown_presets_are_told_with_those_that_exist(file: ModuleType) -> None:
    with pytest.raises(ValueError, match=rf"unknown preset 'huge'; configs/{name_of(file)}.py has laptop, "):
        file.get_config("huge")


@pytest.mark.parametrize(("file", "preset"), EVERY, ids=name_of)
def test_every_stage_says_what_it_depends_on_and_who_does_it(file: ModuleType, preset: str) -> None:
    config = file.get_config(preset)
    stages = listed(config)
    assert set(config.stages) <= set(stages)
    for stage in system_module(config).STAGES:
        assert "seed" in stage.reads and not set(stage.reads) & set(FREE)
        for name in stage.reads:
            assert name.partition(".")[0] in config
    for stage in stages.values():
        assert importlib.util.find_spec(stage.module) is not None and stage.help


@pytest.mark.parametrize(("file", "preset"), EVERY, ids=name_of)
def test_a_training_is_built_from_what_its_stage_lists(file: ModuleType, preset: str) -> None:
    config, reads = file.get_config(preset), Reads()
    stages = {stage.name: stage for stage in system_module(config).STAGES}
    trained = {name: build for name, stage in stages.items() if (build := stage.training())}
    for name, build in trained.items():
        # Not every stage can be trained with every preset, but they all read settings to find out.
        with contextlib.suppress(UserError):
            build(recorded(settings_for(config, name), name, reads))
    assert set(reads) == set(trained) and unlisted(stages, reads) == {}


def test_what_a_stage_reads_of_the_stages_before_it_it_depends_on_too(config: ConfigDict) -> None:
    reads = {name: set(stage.reads) for name, stage in listed(config).items()}
    assert reads["prepare"] < reads["encoder"] < reads["transformer"]


def test_ablations_are_stages_after_the_transformer_in_any_preset() -> None:
    plain, given = condfoley.get_config(), condfoley.get_config("laptop_ablations")
    assert plain.ablations == () and given.ablations == ("no_condition",)
    plain.ablations = ("no_augmentation", "no_condition")
    first = ("prepare", "encoder", "codebook", "events", "transformer")
    assert plain.stages == (*first, "no_augmentation", "no_condition", "sync", "evaluate", "generate")
    for preset in ("paper", "countixav", "paper_smoke"):
        paper = condfoley.get_config(preset)
        assert paper.ablations == build.ABLATIONS
        assert paper.stages == (*first, *build.ABLATIONS, "vocoder", "sync", "evaluate", "generate")
        paper.ablations = ()
        assert paper.stages == (*first, "vocoder", "sync", "evaluate", "generate")


def test_a_finished_laptop_run_gets_the_ablations_without_doing_its_stages_again() -> None:
    plain, given = condfoley.get_config(), condfoley.get_config("laptop_ablations")
    assert plain.name == given.name
    differs = {key for key in plain if json.dumps(plain.to_dict()[key]) != json.dumps(given.to_dict()[key])}
    assert differs == {"preset", "ablations", "stages"}
    stages = listed(given)
    assert [name for name, stage in stages.items() if differs & set(stage.reads)] == ["evaluate"]
    assert stages["transformer"].reads == stages["no_condition"].reads


def test_so_it_is_with_visually_indicated_sounds(vis_config: ConfigDict) -> None:
    keys = {name: set(stage.reads) for name, stage in listed(vis_config).items()}
    assert keys["prepare"] < keys["sounds"] < keys["seen"]
    assert keys.get("streams", keys["seen"]) <= keys["seen"]
    trained = [stage for stage in vis_config.stages if stage.startswith(("prediction", "detection"))]
    assert trained
    for stage in trained:
        assert keys["seen"] | {stage.partition("_")[0]} == keys[stage]
        assert keys[stage] < keys["evaluate"] and keys[stage] < keys["generate"]


def test_the_networks_of_visually_indicated_sounds_fit_one_another(vis_config: ConfigDict) -> None:
    """Shapes alone: film → streams → recurrent network → three steps of sound a frame."""
    data, streams = vis_config.data, vis_config.streams
    motion, still = 256 * 36, 256 * 36
    if streams.kind == "small":
        net, every = vis_build.streams_net(vis_config), streams.every
        frames = jax.ShapeDtypeStruct((1, 2 * every + 2, data.height, data.width), jnp.float32)
        colours = jax.ShapeDtypeStruct((1, 2 * every, data.height, data.width, 3), jnp.float32)
        stills = jax.ShapeDtypeStruct((1, 3, data.height, data.width, 3), jnp.float32)
        guess, weights = jax.eval_shape(net.init_with_output, KEY, frames, stills)
        assert guess.sound.shape == (1, 2 * every + 2, 3 * vis_config.sound.components)
        seen = jax.eval_shape(functools.partial(net.apply, method=SoundGuess.watch), weights, frames, colours)
        motion, still = seen[0].shape[-1], seen[1].shape[-1]
        assert streams.clip_frames % every == 0 and motion > vis_build.looked_at(vis_config) > 0
    for stage in vis_config.stages:
        if stage.startswith(("prediction", "detection")):
            net, frames = vis_build.predictor_net(vis_config, stage), vis_config[stage.partition("_")[0]].frames
            # Without space-time images the colours stand where the motion would be.
            moved = still if stage.endswith("no_spacetime") else motion
            inputs = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((2, frames, moved), (2, still))]
            sound = jax.eval_shape(net.init_with_output, KEY, *inputs)[0]
            assert sound.shape == (2, 3 * frames, vis_config.sound.components)
    # A clip has its impact in the middle frame; a window of the detection model holds its sequences.
    assert vis_config.prediction.frames % 2 and 0 <= vis_config.detection.lag < vis_config.detection.frames


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


@pytest.mark.parametrize("preset", autofoley.PRESETS)
def test_the_networks_of_autofoley_fit_its_sound(preset: str) -> None:
    """Shapes alone: film → class and residual of every column."""
    config = autofoley.get_config(preset)
    size, data = autofoley_build.window(config), config.data
    if preset == "paper":
        assert (size.columns, config.sound.n_fft // 2 + 1, data.rate_hz) == (860, 513, 44100)
    for model in autofoley_build.MODELS:
        net = autofoley_build.foley_net(config, model, size, config.sound.classes)
        frames = jax.ShapeDtypeStruct((1, size.frames, data.height, data.width), jnp.float32)
        stills = jax.ShapeDtypeStruct((1, 3, data.height, data.width, 3), jnp.float32)
        found, _ = jax.eval_shape(net.init_with_output, KEY, frames, stills)
        assert found.logits.shape == (1, 12)
        assert found.residual.shape == (1, size.columns, autofoley_build.amplitude_spec(config).bins)


def test_networks_copy_where_rows_have_books_of_their_own(config: ConfigDict) -> None:
    own = build.book_size(config) > 0
    assert (config.transformer.copy_heads > 0) is own is (build.transformer_net(config).copy_heads > 0)
    if not own:
        config.transformer.copy_heads = 2
        with pytest.raises(UserError, match=r"config.transformer.copy_heads is 2, .* set config.transformer.copy_hea"):
            build.transformer_net(config)
    # Runs of before there was a head do not have the setting.
    del config.transformer.copy_heads
    assert build.transformer_net(config).copy_heads == 0


def _features(config: ConfigDict) -> int:
    """Size of what the transformer sees of the film at a token or at a frame of the prefix."""
    net, data = build.encoder_net(config), config.data
    if not isinstance(net, ImpactNet):
        frames = jax.ShapeDtypeStruct((1, 16, data.height, data.width, 3), jnp.float32)
        see = functools.partial(net.init_with_output, use_running_average=True)
        return int(jax.eval_shape(see, KEY, frames)[0].features.shape[-1])
    frames = jax.ShapeDtypeStruct((1, 16, data.height, data.width), jnp.float32)
    seen = jax.eval_shape(net.init_with_output, KEY, frames)[0]
    assert seen.onset.shape == (1, 16) and seen.bands.shape == (1, 16, config.encoder.bands)
    return int(2 * seen.features.shape[-1] + 4)
