"""Trains the event reader on what the video encoder sees of the recordings, then decides what counts as an event."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.special
import soxr

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.data.event_clips import HIT, SCRATCH, EventRecording, event_clip
from vis2sound_jax.data.known_events import known_events
from vis2sound_jax.data.tokens import TokenRecording
from vis2sound_jax.evaluation.event_levels import loudness_db
from vis2sound_jax.evaluation.onset_matching import OnsetClip
from vis2sound_jax.generation.reading import list_events, read_curves
from vis2sound_jax.models.event_reader import FORCE_DB, MOTION_CURVES
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.retrieval.pieces import CLEAN_S, LEAD_S
from vis2sound_jax.retrieval.sound_kind import KIND_RATE_HZ, SoundKind, fit_sound_kind, kind_features
from vis2sound_jax.retrieval.starts import sound_starts
from vis2sound_jax.run import hosts
from vis2sound_jax.run.fit import fit, summary
from vis2sound_jax.run.held_out import Held
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.training import Material, Training, training_of
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.condfoley import build, trained
from vis2sound_jax.systems.condfoley.event_rule import EventRule, best_doubt, best_threshold
from vis2sound_jax.systems.condfoley.everyday import everyday_recordings, mixed, remove_everyday
from vis2sound_jax.systems.condfoley.token_cache import token_recordings
from vis2sound_jax.tasks.events import EventsTask
from vis2sound_jax.training.progress import track

FOLDER = "events"
_NEAR_S = 0.08  # an attack within this of a label's time is its sound


def training(config: Any) -> Training:
    """Says how the event reader is trained."""
    section, t = config.events, config.events.clip_frames
    task = EventsTask(
        build.reader_net(config),
        section.steps,
        section.learning_rate,
        section.weight_decay,
        section.ema,
        accumulate=config.training.accumulate,
    )
    width = build.encoder_net(config).feature_width
    curves = ("onset", "target", "scratch", "force", "known", "named", "struck")
    shapes: dict[str, tuple[tuple[int, ...], Any]] = {name: ((t,), np.float32) for name in curves}
    shapes |= {"features": ((t, width), np.float32), "motion": ((t, MOTION_CURVES), np.float32)}
    example = functools.partial(event_clip, frames=t, spread_s=section.spread_s, force_db=FORCE_DB)

    def opened(workdir: Path) -> Material:
        held = Held(event_recordings(config, workdir, "validation"), example, batches=2)
        everyday, share = everyday_recordings(config, workdir, "train"), config.encoder.everyday_share
        return Material(mixed(event_recordings(config, workdir, "train"), everyday, share), example, held)

    return Training(task, shapes, section.batch, section.steps, FOLDER, opened)


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Trains the reader, chooses the threshold on validation recordings and learns the kinds of sounds.

    Args:
      config: the settings.
      workdir: of a run whose encoder and codebook are trained.

    Returns:
      What was trained and decided.
    """
    described = training_of(config, training)
    done = summary(workdir, FOLDER, fit(config, workdir, described))
    with hosts.first_then_others("what counts as an event"):
        if hosts.is_first() or not (workdir / FOLDER / "rule.json").exists():
            decide(config, workdir).save(workdir / FOLDER)
    if hosts.is_first():
        remove_everyday(workdir)
    rule = EventRule.load(workdir / FOLDER)
    return {**done, "threshold": rule.threshold, "doubt": rule.doubt, "kinds_learned": rule.kind.learned}


def decide(config: Any, workdir: Path) -> EventRule:
    """Chooses the threshold on validation recordings, and learns kinds from the sounds of training recordings.

    Args:
      config: the settings.
      workdir: of a run whose reader is trained.

    Returns:
      The rule; where there are no validation recordings, the threshold is chosen on training recordings.
    """
    net, params = build.reader_net(config), trained.reader_params(workdir)
    held = event_recordings(config, workdir, "validation") or event_recordings(config, workdir, "train")
    held += everyday_recordings(config, workdir, "validation")
    clips, logits, scratch = [], [np.zeros(0)], [np.zeros(0, bool)]
    for one in held:
        reading = read_curves(net, params, one.features, one.onset, one.motion)
        clips.append(OnsetClip(one.event_s, *list_events(reading, one.fps, config.events.stops), one.span_s))
        named = np.isin(one.action, (HIT, SCRATCH))
        frames = np.clip((one.event_s[named] * one.fps).astype(int), 0, len(reading.onset) - 1)
        logits.append(scipy.special.logit(np.clip(reading.scratch[frames], 1e-6, 1 - 1e-6)))
        scratch.append(np.array(one.action)[named] == SCRATCH)
    doubt = best_doubt(np.concatenate(logits), np.concatenate(scratch))
    return EventRule(best_threshold(clips), _sound_kind(_records(config, workdir, "train")), doubt)


def event_recordings(config: Any, workdir: Path, split: str) -> list[EventRecording]:
    """Puts what the encoder saw of a split beside its annotations.

    Args:
      config: the settings.
      workdir: of a run whose encoder and codebook are trained.
      split: "train" or "validation".

    Returns:
      One entry a recording.
    """
    records = {record["id"]: record for record in _records(config, workdir, split)}
    # Recordings that begin later are the same ones again.
    whole = [one for one in token_recordings(config, workdir, split) if not one.offset_s]
    return [event_recording(one, records[one.id]) for one in whole]


def event_recording(one: TokenRecording, record: Record) -> EventRecording:
    """Puts what the encoder saw of a recording beside its annotations.

    Args:
      one: the recording as seen.
      record: the same recording.

    Returns:
      The recording as the reader learns from it; its events are those that can be heard where nobody annotated it.
    """
    wav, rate_hz = decode_flac(record["audio"])
    known = known_events(record)
    span_s = tuple(float(time_s) for time_s in record["span_s"]) if known.annotated else (0.0, len(wav) / rate_hz)
    return EventRecording(
        features=one.features,
        onset=one.onset,
        motion=one.motion,
        fps=one.fps,
        event_s=known.time_s,
        action=known.action,
        loudness_db=loudness_db(wav, rate_hz, known.time_s),
        span_s=(span_s[0], span_s[1]),
    )


def _records(config: Any, workdir: Path, split: str) -> list[Record]:
    return list(open_split(config, prepared_dir(workdir), split))


def _sound_kind(records: Sequence[Record]) -> SoundKind:
    """Learns how scratches and hits sound, from sounds that stand alone and have a label."""
    features, marks = [], []
    for record in track(records, "kinds of sounds", unit="recording"):
        times_s, actions = record["event_time_s"], record["event_action"]
        if not len(times_s):
            continue
        wav = soxr.resample(*decode_flac(record["audio"]), KIND_RATE_HZ)
        found, _ = sound_starts(wav, KIND_RATE_HZ)
        ends = [*(found[1:] - round(LEAD_S * KIND_RATE_HZ)), len(wav)]
        for attack, end in zip(found, ends, strict=True):
            nearest = int(np.abs(times_s - attack / KIND_RATE_HZ).argmin())
            near = abs(times_s[nearest] - attack / KIND_RATE_HZ) < _NEAR_S and end - attack >= CLEAN_S * KIND_RATE_HZ
            if near and actions[nearest] in (HIT, SCRATCH):
                features.append(kind_features(wav[:end], int(attack)))
                marks.append(actions[nearest] == SCRATCH)
    return fit_sound_kind(np.array(features).reshape(len(features), -1), marks)
