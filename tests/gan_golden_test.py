"""Parity with the reference of the vocoder, the discriminator, the perceptual distance and the codec's loss.

The files were computed by the unmodified classes of XYPB/CondFoleyGen at commit c565db7: small sizes, random weights,
float32. Any folder with files of the same form can be tested: set VIS2SOUND_GOLDEN. Tolerances are the files' own and
are not to be relaxed.
"""

import functools
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from tests.golden_test import FOLDER, Golden, close, compiled
from vis2sound_jax.models.discriminators import PatchDiscriminator
from vis2sound_jax.models.gan_losses import codec_loss, hinge_loss, vanilla_loss
from vis2sound_jax.models.perceptual import Lpaps
from vis2sound_jax.models.vggishish import VggFeatures
from vis2sound_jax.models.vocoder import MelGAN
from vis2sound_jax.weights.convert import params_from_state_dict, state_dict_from_params
from vis2sound_jax.weights.sizes import sizes_from_state_dict


def each(sign: str) -> pytest.MarkDecorator:
    found = [path for path in sorted(FOLDER.glob("*.npz")) if f"sd/{sign}" in np.load(path).files]
    return pytest.mark.parametrize("path", found, ids=lambda path: path.stem)


def filled(model: nn.Module, sd: Mapping[str, np.ndarray], kind: str, *inputs: jax.Array, **static: Any) -> Any:
    """The variables of a model, and the check that they turn back into the file's own entries."""
    expected = jax.eval_shape(lambda: model.init(jax.random.key(0), *inputs, **static))
    variables = params_from_state_dict(sd, kind, expected)
    for name, value in state_dict_from_params(variables, kind).items():
        (theirs,) = (sd[key] for key in sd if key in (name, f"discriminator.{name}", f"perceptual_loss.{name}"))
        np.testing.assert_array_equal(value, theirs)
    return variables


def discriminator(golden: Golden) -> tuple[PatchDiscriminator, dict]:
    model = PatchDiscriminator(**sizes_from_state_dict(golden.sd, "discriminator"))
    mel = jnp.zeros((1, 80, 160))
    return model, filled(model, golden.sd, "discriminator", mel, use_running_average=True)


def distance(golden: Golden) -> tuple[Lpaps, dict]:
    model, mel = Lpaps(**sizes_from_state_dict(golden.sd, "perceptual")), jnp.zeros((1, 80, 160))
    return model, filled(model, golden.sd, "perceptual", mel, mel)


@each("model.1.weight_v")
def test_melgan(path: pathlib.Path) -> None:
    golden = Golden(path)
    model, mel = MelGAN(**sizes_from_state_dict(golden.sd, "melgan")), golden.inputs["mel"]
    variables = filled(model, golden.sd, "melgan", mel)
    config = golden.config
    sizes = (config["n_mel_channels"], config["ngf"], config["n_residual_layers"])
    assert (model.n_mels, model.width, model.residual_layers) == sizes
    close(compiled(model)(variables, mel)[:, None], golden.out["wav"], 2e-5)
    close(compiled(model)(variables, mel[:1, :, :20])[:, None], golden.out["wav_T20"], 2e-5)


@each("main.0.weight")
def test_discriminator_in_both_modes(path: pathlib.Path) -> None:
    golden = Golden(path)
    model, variables = discriminator(golden)
    real, fake = (golden.inputs[name][:, 0] for name in ("real", "fake"))
    look = compiled(model, use_running_average=True)
    logits = look(variables, real), look(variables, fake)
    close(logits[0][:, None], golden.out["eval_real"], 5e-5)
    close(logits[1][:, None], golden.out["eval_fake"], 5e-5)
    close(hinge_loss(*logits), golden.out["hinge_d_loss_eval"], 5e-5)
    close(vanilla_loss(*logits), golden.out["vanilla_d_loss_eval"], 5e-5)

    train = compiled(model, use_running_average=False, mutable=["batch_stats"])
    judged, updated = train(variables, real)
    close(judged[:, None], golden.out["train_real"], 5e-5)
    close(updated["batch_stats"]["norm_1"]["mean"], golden.out["bn3_running_mean_after"], 5e-5)
    close(updated["batch_stats"]["norm_1"]["var"], golden.out["bn3_running_var_after"], 5e-5)
    close(train(variables, fake)[0][:, None], golden.out["train_fake"], 5e-5)


@each("scaling_layer.shift")
def test_perceptual_distance(path: pathlib.Path) -> None:
    golden = Golden(path)
    model, variables = distance(golden)
    x, y = (golden.inputs[name][:, 0] for name in ("x", "y"))
    close(compiled(model)(variables, x, y), golden.out["p_loss"][:, 0, 0, 0], 1e-5)

    constants = variables["constants"]
    scaled = (x - constants["shift"][:, None]) / constants["scale"][:, None]
    *_, last = compiled(VggFeatures(model.channels))({"params": variables["params"]["features"]}, scaled)
    close(last.transpose(0, 3, 1, 2), golden.out["relu5_3"], 2e-4)


def settings(golden: Golden) -> list[tuple[str, int, tuple[float, float]]]:
    names = {name.split("/")[0] for name in golden.out}
    found = [(name, re.fullmatch(r"gs(\d+)_adapt([\d.]+)_([\d.]+)", name)) for name in sorted(names)]
    assert found
    return [(name, int(match[1]), (float(match[2]), float(match[3]))) for name, match in found if match]


def reconstruct(pre: jax.Array, weight: jax.Array) -> jax.Array:
    """One 3 x 3 convolution in the place of the codec; the arrays are laid out as torch has them."""
    return jax.lax.conv(pre, weight, (1, 1), "SAME")[:, 0]


@functools.partial(jax.jit, static_argnums=(0, 1))
def measure(
    judge: PatchDiscriminator, apart: Lpaps, variables: dict, x: dict, limits: tuple[float, float], factor: float
) -> dict[str, jax.Array]:
    """All that the file holds for one setting; the setting too is an argument, so that one program serves all."""
    look = functools.partial(judge.apply, variables["judge"], use_running_average=True)
    mel = x["x"][:, 0]
    made, pull = jax.vjp(lambda weight: reconstruct(x["pre"], weight), x["last_w"])
    found = codec_loss(
        made,
        mel,
        distance=functools.partial(apart.apply, variables["apart"]),
        judge=look,
        pull_to_last_layer=pull,
        limits=limits,
        factor=factor,
    )
    real, fake = look(mel), look(made)
    return {
        "grad_last_w": pull(found.gradient)[0],
        "total_loss": found.total + x["qloss"],
        "nll_loss": found.reconstruction,
        "rec_loss": found.reconstruction,
        "p_loss": found.distance,
        "d_weight": found.weight,
        "g_loss": found.adversarial,
        "disc_loss": factor * hinge_loss(real, fake),
        "logits_real": real.mean(),
        "logits_fake": fake.mean(),
        "disc_factor": jnp.float32(factor),
        "quant_loss": x["qloss"],
    }


@each("discriminator.main.0.weight")
def test_loss_of_the_codec(path: pathlib.Path) -> None:
    golden = Golden(path)
    (judge, judge_variables), (apart, apart_variables) = discriminator(golden), distance(golden)
    variables = {"judge": judge_variables, "apart": apart_variables}
    for name, batch_number, limits in settings(golden):
        factor = float(batch_number >= golden.config["disc_start"])
        found = measure(judge, apart, variables, golden.inputs, limits, factor)
        expected = {key.split("/")[1]: value for key, value in golden.out.items() if key.startswith(f"{name}/")}
        assert set(found) == set(expected)
        for key, value in expected.items():
            close(found[key], value, 1e-5)
