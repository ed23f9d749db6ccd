"""Collects the exemplars of a run: every training impact with its cochleagram and its sound."""

from pathlib import Path

import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.data.impacts import CLIP_FRAMES, FilmNotes, centred_clips, impact_times, sound_steps
from vis2sound_jax.data.rows import Rows
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.sources import Records
from vis2sound_jax.retrieval.exemplars import ExemplarBank
from vis2sound_jax.retrieval.impact_pieces import Cut, cut_impacts
from vis2sound_jax.run.workdir import mark_path
from vis2sound_jax.training.progress import track

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
    features, times, ids = [], [], []
    cuts: list[Cut] = []
    labels: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for k, notes in track(list(enumerate(films)), "exemplars", unit="recording"):
        clips = centred_clips([notes])
        if not clips:
            continue
        wav, _ = decode_flac(records[k]["audio"])
        at_s = impact_times(notes)
        of_film = cut_impacts(wav, rate_hz, at_s)
        for clip in clips:
            features.append(np.maximum(sound_steps(sounds, clip, CLIP_FRAMES)[0], 0).astype(np.float16))
            cuts.append(of_film[clip.event])
            times.append(at_s[clip.event])
            ids.append(notes.id)
            for kind in KINDS:
                labels[kind].append(getattr(notes, kind)[clip.event])
    if not ids:
        raise UserError(
            "no training recording has an event, annotated or heard, so there is no sound to copy; annotate some"
        )
    wavs, attacks, attack_s = zip(*cuts, strict=True)
    return ExemplarBank(
        features=np.stack(features),
        wavs=np.concatenate(wavs),
        lengths=np.array([len(wav) for wav in wavs]),
        attacks=np.array(attacks),
        attack_s=np.array(attack_s),
        times_s=np.array(times),
        ids=ids,
        labels=labels,
        rate_hz=rate_hz,
    )


def bank_dir(workdir: Path) -> Path:
    """Where a run keeps its exemplars."""
    return workdir / "sounds" / "exemplars"


def open_bank(workdir: Path) -> ExemplarBank:
    """Opens the exemplars of a run; sounds stay on disk.

    Raises:
      UserError: if they are not there, or were cut by another version.
    """
    mark = mark_path(workdir, "sounds")
    return ExemplarBank.open(bank_dir(workdir), remedy=f"delete {mark} and run with --job=sounds to cut them again")
