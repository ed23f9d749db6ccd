"""Every network once over drawn inputs, on the device and on the CPU."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int

from vis2sound_jax.accelerator.checks import Case
from vis2sound_jax.accelerator.drawn import KINDS, drawn_batch, drawn_like, preset
from vis2sound_jax.accelerator.parity import FORWARD_TOLERANCE, apart, compared, verdict
from vis2sound_jax.models.alexnet import AlexNet
from vis2sound_jax.models.band_coder import BandCoder
from vis2sound_jax.models.discriminators import PatchDiscriminator, WaveDiscriminator
from vis2sound_jax.models.event_reader import EventReader
from vis2sound_jax.models.image_streams import SoundGuess
from vis2sound_jax.models.impact_lstm import ImpactLSTM
from vis2sound_jax.models.patch_coder import PatchCoder
from vis2sound_jax.models.perceptual import Lpaps
from vis2sound_jax.models.r2plus1d import R2Plus1D
from vis2sound_jax.models.sync import SyncNet
from vis2sound_jax.models.transformer import Transformer
from vis2sound_jax.models.vgg import VGG19Head
from vis2sound_jax.models.vggishish import Vggishish
from vis2sound_jax.models.video_onset import VideoOnsetNet
from vis2sound_jax.models.vocoder import MelGAN
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.planning.trainings import training_named

Shapes = Mapping[str, tuple[int, ...]]

_MEL = (1, 80, 160)
_CODES = ("tokens", "codes")
_KNOWN, _FOLLOW = 10, 4


class Entry(NamedTuple):
    """A network and what it is given.

    Attributes:
      net: the network; its class is the name of the row.
      shapes: of its inputs, by name; those in `_CODES` are whole numbers, all others are in [0, 1].
      call: what is computed, the network first; None stands for its `__call__`.
      note: what is added to the name.
    """

    net: nn.Module
    shapes: Shapes
    call: Callable[..., Any] | None = None
    note: str = ""


def network_cases(device: jax.Device, *, small: bool) -> list[Case]:
    """Lists the networks.

    Args:
      device: to compare with the CPU.
      small: whether they are of small sizes instead of those of their papers.
    """
    cases = [_case(device, entry) for entry in entries(small=small)]
    return [Case("ImpactNet", functools.partial(_encoder, device)), *cases]


def entries(*, small: bool) -> list[Entry]:
    """Lists all networks that are built without a config.

    Args:
      small: as `network_cases`.
    """
    return [*_eyes(small), *_sounds(small), *_sequences(small)]


def drawn_inputs(entry: Entry) -> dict[str, np.ndarray]:
    """Draws what a network is given."""
    rng = np.random.default_rng(1)
    return {
        name: rng.integers(0, KINDS, shape, np.int32) if name in _CODES else rng.random(shape, np.float32)
        for name, shape in entry.shapes.items()
    }


def _eyes(small: bool) -> list[Entry]:
    films = {"widths": (4, 8, 8, 16)} if small else {}
    alexnet = AlexNet((8, 8, 8, 8, 8), 32) if small else AlexNet()
    side = 64 if small else 112
    stored = lambda net, frames: net(frames, use_running_average=True)  # noqa: E731
    return [
        Entry(R2Plus1D(**films), {"frames": (1, 8, side, side, 3)}, stored),
        Entry(VideoOnsetNet(**films), {"frames": (1, 8, side, side, 3)}, stored),
        Entry(alexnet, {"images": (1, 2 * side, 2 * side, 3)}, lambda net, images: net.fc7(net.pool5(images))),
        Entry(VGG19Head(), {"images": (1, side, side, 3)}),
        Entry(SoundGuess(), {"frames": (1, 12, 72, 128), "stills": (1, 2, 72, 128, 3)}),
    ]


def _sounds(small: bool) -> list[Entry]:
    """Coders decode drawn codes: which code is nearest can turn on a last digit."""
    vqgan = VQGAN(ch=32, z_channels=32, embed_dim=32, n_codes=KINDS) if small else VQGAN()
    vgg: dict[str, Any] = {"channels": (8, 8, 8, 8, 8)} if small else {}
    grid, mel = {"mel": _MEL, "codes": (1, 5, 20)}, {"mel": _MEL}
    judged = lambda net, mel: net(mel, use_running_average=True)  # noqa: E731
    return [
        Entry(vqgan, {"mel": _MEL, "codes": (1, 5, 10)}, lambda net, mel, codes: (net.latent(mel), net.mel_of(codes))),
        Entry(BandCoder(), grid, lambda net, mel, codes: (net.latents(mel), net.decode(codes))),
        Entry(PatchCoder(), {"codes": (1, 6, 20)}, lambda net, codes: net.decode(codes)),
        Entry(PatchDiscriminator(), mel, judged),
        Entry(MelGAN(), {"mel": (1, 80, 32)}),
        Entry(WaveDiscriminator(), {"wav": (1, 8192)}),
        Entry(Vggishish(hidden=64, **vgg) if small else Vggishish(), mel),
        Entry(Lpaps(**vgg), {"one": _MEL, "other": _MEL}),
    ]


def _sequences(small: bool) -> list[Entry]:
    """What goes through time; the paper's transformer with a few of its layers, which are all alike."""
    paper = Transformer(layers=2, heads=2, width=32) if small else Transformer(layers=4)
    laptop = Transformer(vocab=6 * KINDS, layers=2, heads=2, width=32, copy_heads=2, rows=6, book=KINDS, slots=240)
    prefix = {"tokens": (1, _KNOWN + _FOLLOW), "prefix": (1, 6, 512)}
    aligned = {"tokens": (1, 12), "aligned": (1, 12, 260), "style": (1, 240)}
    return [
        Entry(EventReader(), {"features": (1, 64, 128), "onset": (1, 64), "motion": (1, 64, 4)}),
        Entry(SyncNet(25), {"features": (1, 64, 128), "onset": (1, 64), "sound": (1, 64, 4, 80), "mask": (1, 64)}),
        Entry(ImpactLSTM(), {"motion": (1, 15, 128), "still": (1, 128)}),
        Entry(paper, prefix, note=", a prefix"),
        Entry(paper, prefix, _continued, note=", step by step"),
        Entry(laptop, aligned, _copied, note=", aligned, with copies"),
    ]


def _continued(net: Any, tokens: Int[Array, "b t"], prefix: Float[Array, "b p g"]) -> list[Any]:
    """Logits of the known start, and of each code that follows."""
    logits, cache = net.prefill(tokens[:, :_KNOWN], prefix=prefix, room=_FOLLOW)
    found = [logits]
    for i in range(_KNOWN, _KNOWN + _FOLLOW):
        logits, cache = net.decode_step(cache, tokens[:, i])
        found.append(logits)
    return found


def _copied(net: Any, tokens: Int[Array, "b t"], **conditions: Float[Array, "..."]) -> Float[Array, "b n v"]:
    """Logits of codes of their rows' own books; of all others, which cannot follow, zeros."""
    own = tokens + jnp.arange(tokens.shape[1]) % net.rows * net.book
    logits = net(own, **conditions)
    return jnp.where(jnp.isfinite(logits), logits, 0.0)


def _case(device: jax.Device, entry: Entry) -> Case:
    return Case(f"{type(entry.net).__name__}{entry.note}", functools.partial(_compared, device, entry))


def _compared(device: jax.Device, entry: Entry) -> dict[str, Any]:
    net, call, inputs = entry.net, entry.call, drawn_inputs(entry)
    variables = drawn_like(jax.eval_shape(functools.partial(net.init, method=call), jax.random.key(0), **inputs))
    function = lambda variables, inputs: net.apply(variables, **inputs, method=call)  # noqa: E731
    return verdict(FORWARD_TOLERANCE, outputs=apart(*compared(function, variables, inputs, device)))


def _encoder(device: jax.Device) -> dict[str, Any]:
    """The laptop's encoder, as films are given to it."""
    training = training_named(preset("condfoley", "laptop"), "encoder")
    net: Any = getattr(training.task, "net", None)
    state = jax.eval_shape(training.task.init, jax.random.key(0), training.batch_shapes(1))
    variables, frames = drawn_like({"params": state.params}), drawn_batch(training, 1)["frames"]
    return verdict(FORWARD_TOLERANCE, outputs=apart(*compared(net.see, variables, frames, device)))
