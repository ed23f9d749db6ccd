"""A run of 2.5D Visual Sound, its networks made up: what is evaluated, and a film that is made binaural."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import soundfile

from configs.binaural import get_config
from tests.started import started
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.stage import settings_for
from vis2sound_jax.run.workdir import checkpoints_dir
from vis2sound_jax.systems.binaural import build, convert, evaluate, film
from vis2sound_jax.systems.binaural.upmix import scene_example, training
from vis2sound_jax.training.checkpoint import Checkpointer, load_params
from vis2sound_jax.weights.convert import state_dict_from_params


def config_of() -> Any:
    config = get_config("smoke")
    config.stages = ("upmix", "evaluate")
    config.evaluate.windows = 2
    return config


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a training leaves it."""
    place, config = tmp_path_factory.mktemp("binaural"), config_of()
    said = training(settings_for(config, "upmix"))
    example = said.open(place).example(0, np.random.default_rng(0))
    state = started(said.task, {name: np.stack([value]) for name, value in example.items()})
    with Checkpointer(checkpoints_dir(place, "upmix")) as checkpointer:
        checkpointer.save(state, {}, {})
    return place


def test_a_window_comes_at_the_level_of_half_its_sum_or_of_the_truth() -> None:
    form = build.form(config_of())
    ours, theirs = (
        scene_example(0, np.random.default_rng(3), form=form, split="train", compat=compat) for compat in (False, True)
    )
    level = lambda wav: float(np.sqrt(np.mean(wav**2)))  # noqa: E731
    assert level(ours["ears"].sum(axis=0) / 2) == pytest.approx(0.1, rel=1e-3)
    assert level(theirs["ears"]) == pytest.approx(0.1, rel=1e-3)
    np.testing.assert_array_equal(ours["pictures"], theirs["pictures"])


def test_every_split_is_scored_with_what_bounds_it(workdir: Path) -> None:
    done = evaluate.run(settings_for(config_of(), "evaluate"), workdir)
    metrics = json.loads(Path(done["metrics"]).read_text())
    assert set(metrics) == {f"{split}_{k}" for split in evaluate._HELD_OUT for k in (1, 2)}
    for rows in metrics.values():
        assert set(rows) == {"ours", "flipped picture", "another picture", "best bounded mask", "mono"}
        assert rows["mono"]["residual"]["value"] == pytest.approx(1)
        assert rows["best bounded mask"]["residual"]["value"] < 0.5
    one, two = metrics["heads_1"]["best bounded mask"], metrics["heads_2"]["mono"]
    assert one["azimuth_deg"]["value"] < 20 and one["ild_r"]["value"] > 0.9 and "azimuth_deg" not in two
    page = Path(done["report"]).read_text()
    assert "everything, two things sound" in page and "headphones" in page


def test_a_film_becomes_binaural_and_its_channels_add_up_to_its_sound(
    workdir: Path, tmp_path: Path, make_film: Callable[..., Path]
) -> None:
    video, sound, output = make_film(), tmp_path / "mono.wav", tmp_path / "out.mp4"
    wav = (0.3 * np.random.default_rng(0).standard_normal(60_000)).clip(-0.9, 0.9).astype(np.float32)
    write_wav(sound, wav, 48000)
    asked = {"video": str(video), "sound": str(sound), "output": str(output), "hop": 0.2}
    done = film.run(settings_for(config_of(), "binaural", **asked), workdir)
    assert done["seconds"] == pytest.approx(1.25) and output.is_file() and "note" not in done
    both, rate_hz = soundfile.read(output.with_suffix(".wav"), dtype="int32")
    given, _ = soundfile.read(sound, dtype="int32")
    assert rate_hz == 48000
    assert np.abs((both >> 8).sum(axis=1) - (given >> 8)).max() <= 1
    assert np.abs(both[:, 0] - both[:, 1]).max() > 1 << 20
    short = tmp_path / "short.wav"
    write_wav(short, np.stack([wav[:9000]] * 2, axis=1), 48000)
    done = film.run(settings_for(config_of(), "binaural", **{**asked, "sound": str(short)}), workdir)
    assert "had 2 channels, which were mixed down" in done["note"] and "shorter than a window of 0.63 s" in done["note"]


def test_requests_that_cannot_be_met_are_told(workdir: Path, tmp_path: Path, make_film: Callable[..., Path]) -> None:
    video = str(make_film())
    with pytest.raises(UserError, match="needs --video=FILM"):
        film.run(settings_for(config_of(), "binaural"), workdir)
    asked = {"video": video, "output": str(tmp_path / "out.mp4")}
    with pytest.raises(UserError, match="--hop=0.7: windows of 0.63 s must overlap; choose a smaller one"):
        film.run(settings_for(config_of(), "binaural", **asked, hop=0.7), workdir)
    with pytest.raises(UserError, match="would be replaced"):
        film.run(settings_for(config_of(), "binaural", video=video, output=video), workdir)


def test_settings_that_do_not_fit_are_told() -> None:
    for name, value, problem in (
        ("widths", (4,), "blocks has 2 levels and config.upmix.widths 1; give as many of both"),
        ("depth", 7, "depth is 7, but the 64 frames of a window can be halved 1 to 6 times"),
    ):
        config = config_of()
        config.upmix[name] = value
        with pytest.raises(UserError, match=problem):
            training(settings_for(config, "upmix"))
    config = config_of()
    config.data.rate_hz = 22050
    with pytest.raises(UserError, match="rate_hz is 22050; the networks hear 16000 Hz"):
        training(settings_for(config, "upmix"))


def test_released_pairs_come_through_unchanged(workdir: Path, tmp_path: Path) -> None:
    config = config_of()
    _, variables = build.trained(config, workdir)
    names = {"resnet_trunk": "visual", "audio_unet": "audio"}
    # Files of the released layout have four levels.
    config.upmix.blocks, config.upmix.widths = (1, 1, 1, 1), (2, 3, 4, 5)
    net = build.eye(config)
    shapes = jax.eval_shape(
        lambda: net.init(jax.random.key(0), np.zeros((1, 32, 32, 3), np.float32), use_running_average=True)
    )
    rng = np.random.default_rng(0)
    variables["visual"] = jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape).astype(np.float32), shapes)
    for kind, name in names.items():
        source = tmp_path / f"{kind}.npz"
        np.savez(source, **state_dict_from_params(variables[name], kind))
        asked = {"kind": kind, "source": str(source), "output": str(tmp_path / "out")}
        convert.run(settings_for(config_of(), "convert", **asked), tmp_path)
        found = load_params(checkpoints_dir(tmp_path / "out", kind))
        jax.tree.map(np.testing.assert_array_equal, dict(found), dict(variables[name]["params"]))
    kept = json.loads((tmp_path / "out" / "config.json").read_text())["upmix"]
    assert tuple(kept["widths"]) == (2, 3, 4, 5) and kept["width"] == 2 and kept["depth"] == 2
