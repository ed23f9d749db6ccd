"""From a configuration to the networks of Conditional Foley: the only place that reads their sizes."""

from typing import Any

import jax.numpy as jnp

from vis2sound_jax.audio.mel import MelSpec
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.compose import Composer
from vis2sound_jax.models.band_coder import BandCoder
from vis2sound_jax.models.blocks import ATTENTIONS
from vis2sound_jax.models.codebook import LEGACY_WEIGHTS
from vis2sound_jax.models.event_reader import EventReader
from vis2sound_jax.models.impact_net import ImpactNet
from vis2sound_jax.models.patch_coder import PatchCoder
from vis2sound_jax.models.r2plus1d import R2Plus1D
from vis2sound_jax.models.sync import SyncNet
from vis2sound_jax.models.transformer import REMAT, Transformer
from vis2sound_jax.models.video_onset import VideoOnsetNet
from vis2sound_jax.models.vocoder import MelGAN
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.run.choices import unknown_choice

ABLATIONS = ("no_condition", "no_augmentation")
"""Transformers that are trained otherwise than the main one; `config.ablations` names those of a run."""
PREFIX_FRAMES = 30
"""Video tokens of each clip in the paper's prefix (Du et al. 2023, section 3.3)."""


def mel_spec(config: Any) -> MelSpec:
    """Reads `config.mel` and the sample rate."""
    mel = config.mel
    return MelSpec(
        rate_hz=config.data.rate_hz,
        n_fft=mel.n_fft,
        hop=mel.hop,
        n_mels=mel.n_mels,
        low_hz=mel.low_hz,
        high_hz=mel.high_hz,
        scale=mel.scale,
        floor_db=mel.floor_db,
        top_db=mel.top_db,
    )


def encoder_net(config: Any) -> ImpactNet | VideoOnsetNet:
    """Builds the video encoder that `config.encoder.kind` names."""
    encoder = config.encoder
    if encoder.kind == "impact_net":
        return ImpactNet(
            widths=tuple(encoder.widths),
            width=encoder.width,
            dilations=tuple(encoder.dilations),
            bands=encoder.bands,
        )
    if encoder.kind == "r2plus1d":
        return VideoOnsetNet(widths=tuple(encoder.widths))
    raise unknown_choice("encoder", encoder.kind, ("impact_net", "r2plus1d"))


def reader_net(config: Any) -> EventReader:
    """Builds the event reader."""
    return EventReader(config.events.width, config.events.dropout, config.events.refine)


def codebook_net(config: Any) -> PatchCoder | BandCoder | VQGAN:
    """Builds the coder that `config.codebook.kind` names."""
    codebook = config.codebook
    if codebook.kind == "patch_coder":
        return PatchCoder(
            n_mels=config.mel.n_mels,
            rows=codebook.rows,
            frames=codebook.frames,
            codes=codebook.codes,
            outline=codebook.outline,
        )
    if codebook.kind == "band_coder":
        return BandCoder(
            n_mels=config.mel.n_mels,
            rows=codebook.rows,
            frames=codebook.frames,
            codes=codebook.codes,
            latent=codebook.latent,
            width=codebook.width,
            blocks=codebook.blocks,
        )
    if codebook.kind == "vqgan":
        return VQGAN(
            ch=codebook.width,
            ch_mult=tuple(codebook.levels),
            num_res_blocks=codebook.blocks,
            z_channels=codebook.latent,
            embed_dim=codebook.latent,
            n_codes=codebook.codes,
            **(LEGACY_WEIGHTS if config.compat else {}),
        )
    raise unknown_choice("codebook", codebook.kind, ("patch_coder", "band_coder", "vqgan"))


def video_net(config: Any) -> R2Plus1D | None:
    """Builds the video network that the transformer has of its own; None where it takes the encoder's features."""
    video, kind = config.transformer.video, config.encoder.kind
    if video not in ("cached", "frozen", "trained"):
        raise unknown_choice("transformer", video, ("cached", "frozen", "trained"), "video")
    if video == "cached":
        return None
    if kind != "r2plus1d" or config.transformer.conditioning != "prefix":
        raise UserError(
            f"config.transformer.video is {video!r}, which needs config.encoder.kind='r2plus1d' and "
            "config.transformer.conditioning='prefix'; set these or config.transformer.video='cached'"
        )
    return R2Plus1D(widths=tuple(config.encoder.widths), remat=_remat(config) == "full")


def vocoder_net(config: Any) -> MelGAN | None:
    """Builds the vocoder network; None where Griffin-Lim, which has no weights, is asked for."""
    vocoder = config.vocoder
    if vocoder.kind not in ("griffin_lim", "melgan"):
        raise unknown_choice("vocoder", vocoder.kind, ("griffin_lim", "melgan"))
    if vocoder.kind == "griffin_lim":
        return None
    return MelGAN(n_mels=config.mel.n_mels, width=vocoder.width, residual_layers=vocoder.residual_layers)


def book_size(config: Any) -> int:
    """Returns the codes of one row's own book; 0 where all rows share one."""
    return config.codebook.codes if config.codebook.kind in ("patch_coder", "band_coder") else 0


def prefix_frames(config: Any) -> int:
    """Returns the video tokens of a clip; 0 where the video is aligned to the codes."""
    if config.transformer.conditioning not in ("aligned", "prefix"):
        raise unknown_choice("transformer", config.transformer.conditioning, ("aligned", "prefix"), "conditioning")
    return PREFIX_FRAMES if config.transformer.conditioning == "prefix" else 0


def _training(config: Any, name: str, default: Any) -> Any:
    """A setting of how training is computed, which the settings of older runs do not have."""
    section = config.get("training")
    return default if section is None else section.get(name, default)


def _remat(config: Any) -> str:
    """What the backward pass computes again: by default the inside of the blocks of deep transformers."""
    remat = _training(config, "remat", "auto")
    if remat not in ("auto", "none", *REMAT):
        raise unknown_choice("training", remat, ("auto", "none", *REMAT), "remat")
    if remat == "auto":
        return "full" if config.transformer.layers > 8 else "none"
    return remat


def trained_attention(config: Any) -> str:
    """Reads how the transformer attends while it is trained.

    Raises:
      UserError: if there is no such attention.
    """
    attention = _training(config, "attention", "own")
    if attention not in ATTENTIONS:
        raise unknown_choice("training", attention, ATTENTIONS, "attention")
    if attention == "cudnn" and config.transformer.dtype not in ("bfloat16", "float16"):
        raise UserError(
            f"config.training.attention is 'cudnn', which knows no {config.transformer.dtype}; "
            "set config.transformer.dtype='bfloat16' or config.training.attention='xla'"
        )
    return attention


def check_ablation(config: Any, name: str) -> None:
    """Refuses an ablation that would change nothing.

    Args:
      config: the settings.
      name: of the ablation; "" for none.

    Raises:
      UserError: if it is one.
    """
    if name == "no_augmentation" and config.transformer.video == "cached":
        raise UserError(
            "the ablation 'no_augmentation' changes nothing with config.transformer.video='cached', since no altered "
            "frame reaches the transformer; leave it out, or set config.transformer.video to 'trained' or 'frozen'"
        )


def maskable(config: Any, ablation: str = "") -> bool:
    """Tells whether a transformer is trained with hidden conditions, and so has a mask token.

    Args:
      config: the settings.
      ablation: which one it is of; "" for none.
    """
    return config.transformer.drop_condition > 0 or ablation == "no_condition"


def transformer_net(config: Any, ablation: str = "") -> Transformer:
    """Builds the transformer, with a mask token where training hides conditions.

    Args:
      config: the settings.
      ablation: which one it is of; "" for none.

    Raises:
      UserError: if it is to copy codes and the rows of the coder share a book.
    """
    transformer, codebook, book = config.transformer, config.codebook, book_size(config)
    vocab = codebook.codes * (codebook.rows if book else 1)
    # Runs of before there was one do not have the setting.
    copy_heads = transformer.get("copy_heads", 0)
    if copy_heads and not book:
        raise UserError(
            f"config.transformer.copy_heads is {copy_heads}, which needs a coder whose rows have books of their own, "
            f"and config.codebook.kind is {codebook.kind!r}; set config.transformer.copy_heads=0"
        )
    return Transformer(
        vocab=vocab + maskable(config, ablation),
        slots=2 * (codebook.rows * transformer.columns + prefix_frames(config)),
        layers=transformer.layers,
        heads=transformer.heads,
        width=transformer.width,
        remat=_remat(config),
        scan=_training(config, "scan", False),
        copy_heads=copy_heads,
        rows=codebook.rows,
        book=book,
        dtype=jnp.dtype(transformer.dtype),
    )


def sync_net(config: Any) -> SyncNet:
    """Builds the scorer of synchronisation."""
    sync = config.sync
    if config.mel.n_mels % sync.bands:
        raise UserError(
            f"config.sync.bands is {sync.bands}; it must divide config.mel.n_mels, which is {config.mel.n_mels}"
        )
    return SyncNet(
        lags=round(sync.reach_s * config.data.fps),
        hidden=sync.hidden,
        width=sync.width,
        bands=sync.bands,
        dropout=sync.dropout,
    )


def sync_frames(config: Any) -> int:
    """Returns the frames of film that the scorer compares at a time."""
    return round(config.sync.window_s * config.data.fps)


def composer(config: Any, ablation: str = "") -> Composer:
    """Builds the sampler of `config.decoding`.

    Args:
      config: the settings.
      ablation: whose transformer it samples from; "" for the main one.
    """
    return Composer(
        net=transformer_net(config, ablation),
        rows=config.codebook.rows,
        book=book_size(config),
        codes=config.codebook.codes,
        columns=config.transformer.columns,
        prefix=bool(prefix_frames(config)),
        maskable=maskable(config, ablation),
        temperature=config.decoding.temperature,
        top_k=config.decoding.top_k,
        # Its other branch has no film either, which only this share of training shows.
        guidance=config.decoding.guidance if config.transformer.drop_condition > 0 else 1.0,
    )
