"""Collects the exemplars of a run: every training impact with its cochleagram and its sound."""

from pathlib import Path

import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.data.impacts import CLIP_FRAMES, FilmNotes, centred_clips, impact_times, sound_steps
from vis2sound_jax.data.rows import Rows
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.sources import Records
from vis2sound_jax.retrieval.exemplars import ExemplarBank
from vis2sound_jax.retrieval.paste import LEAD_S, cut_impact
from vis2sound_jax.training.progress import track

_ATTACK_S = 0.03  # the next impact is heard this long before its amplitude peak
KINDS = ("material", "action", "reaction")


def build_bank(records: Records, sounds: Rows, films: list[FilmNotes], rate_hz: int) -> ExemplarBank:
    """Cuts all impacts of the training recordings out of their sound.

    Args:
      records: the recordings.
      sounds: their cochleagrams.
      films: notes on them, in the order of `records`.
      rate_hz: of their sound.

    Returns:
      The exemplars.

    Raises:
      UserError: if there is no impact.
    """
    features, wavs, lengths, times, ids = [], [], [], [], []
    labels: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for k, notes in track(list(enumerate(films)), "exemplars", unit="recording"):
        clips = centred_clips([notes])
        if not clips:
            continue
        wav, _ = decode_flac(records[k]["audio"])
        at_s = impact_times(notes)
        for clip in clips:
            later = [t for t in at_s if t > at_s[clip.event] + 2 * _ATTACK_S]
            cut, length = cut_impact(wav, rate_hz, at_s[clip.event], until_s=min(later, default=np.inf) - _ATTACK_S)
            features.append(np.maximum(sound_steps(sounds, clip, CLIP_FRAMES)[0], 0).astype(np.float16))
            wavs.append(cut)
            lengths.append(length)
            times.append(at_s[clip.event])
            ids.append(notes.id)
            for kind in KINDS:
                labels[kind].append(getattr(notes, kind)[clip.event])
    if not ids:
        raise UserError("no training recording has an annotated event, so there is no sound to copy; annotate some")
    return ExemplarBank(
        np.stack(features), np.stack(wavs), np.array(lengths), np.array(times), ids, labels, rate_hz,
        round(LEAD_S * rate_hz),
    )  # fmt: skip


def bank_dir(workdir: Path) -> Path:
    """Where a run keeps its exemplars."""
    return workdir / "sounds" / "exemplars"


def open_bank(workdir: Path) -> ExemplarBank:
    """Opens the exemplars of a run; sounds stay on disk."""
    return ExemplarBank.open(bank_dir(workdir))
