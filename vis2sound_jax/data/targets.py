"""Examples for the video encoder and the codebook: what the film sounds like, frame by frame.

The onset curve comes from the recording's annotated events, or, where `sound` is asked for, from the
sound's own onsets; the bands always from the sound.
"""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.mel import MelSpec, log_mel
from vis2sound_jax.audio.onsets import onset_events
from vis2sound_jax.data.decoded import GreyFilm, grey_at
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.video.frames import sample_grey_augmentation

Progress = Callable[[int, int], None]

# A sound onset of this confidence counts in full; see `audio.onsets.onset_events`.
_CLEAR = 0.5
_SPEED_RANGE = 0.25


class Heard(NamedTuple):
    """A recording with what is known of its sound.

    Attributes:
      record: the recording.
      onset_s: times of its events in seconds.
      weight: [k] how surely each is one, in (0, 1].
      bands: [t, f] coarse log-mel of each frame, in [0, 1].
      film: its frames, where they are decoded already.
    """

    record: Record
    onset_s: np.ndarray
    weight: np.ndarray
    bands: np.ndarray
    film: GreyFilm = None


class SilentFilm(NamedTuple):
    """A film without sound of which all events are known.

    Attributes:
      film: [t, h, w] its frames in grey.
      fps: their rate.
      onset_s: times of its events in seconds.
    """

    film: np.ndarray
    fps: float
    onset_s: np.ndarray


def hear(records: Sequence[Record], *, bands: int, sound: bool, progress: Progress | None = None) -> list[Heard]:
    """Listens to recordings once, so that examples can be cut from them quickly.

    Args:
      records: recordings; they are kept in memory, still encoded.
      bands: number of coarse mel bands.
      sound: take the onsets from the sound instead of the annotation. Of a recording that nobody annotated
        they always are.
      progress: called with (done, total).

    Returns:
      One entry a recording, in order.
    """
    heard: list[Heard] = []
    with ThreadPoolExecutor(2) as pool:
        for one in pool.map(lambda k: _hear_one(records[k], bands, sound), range(len(records))):
            heard.append(one)
            if progress:
                progress(len(heard), len(records))
    return heard


def _hear_one(record: Record, bands: int, sound: bool) -> Heard:
    wav, rate_hz = decode_flac(record["audio"])
    if sound or not record["annotated"]:
        times, confidence = onset_events(wav, rate_hz)
        weight = np.minimum(confidence / _CLEAR, 1.0)
    else:
        times, weight = record["event_time_s"].astype(float), np.ones(len(record["event_time_s"]))
    return Heard(record, times, weight, _bands(wav, rate_hz, bands, record["fps"], len(record["frames"])))


def _bands(wav: np.ndarray, rate_hz: int, bands: int, fps: float, t: int) -> Float32[np.ndarray, "t f"]:
    """Coarse log-mel at the middle of every frame, over the 60 dB below full scale."""
    spec = MelSpec(rate_hz, 1024, 256, bands, 80.0, min(10000.0, rate_hz / 2), floor_db=-60.0, top_db=0.0)
    image = np.asarray(log_mel(wav, spec)).T
    middle = np.round((np.arange(t) + 0.5) / fps * rate_hz / spec.hop).astype(int)
    return image[np.clip(middle, 0, len(image) - 1)].astype(np.float32)


def encoder_example(
    source: Heard | SilentFilm,
    rng: np.random.Generator,
    *,
    frames: int,
    spread_s: float,
    bands: int,
    augment: bool = True,
) -> dict[str, Any]:
    """Cuts a clip for the encoder.

    Args:
      source: the recording, or a film without sound; shorter ones are held on their last frame and masked there.
      rng: source of the place and the augmentation.
      frames: length of the clip.
      spread_s: standard deviation of the bump that marks an onset.
      bands: number of coarse mel bands.
      augment: play up to a quarter faster or slower, zoom, mirror, invert and change the light.

    Returns:
      `frames` uint8 [t, h, w], `onset` [t], `bands` [t, f], `mask` [t] and `heard` [] as `EncoderTask` takes them, and
      `view` and `view_seed`, by which it alters the frames.
    """
    known = _known(source)
    speed = float(np.exp(rng.uniform(-_SPEED_RANGE, _SPEED_RANGE))) if augment else 1.0
    length = int(np.ceil(frames * speed)) + 1
    start = int(rng.integers(0, max(1, known.total - length + 1)))
    wanted = start + (np.arange(frames) * speed).astype(int)
    shown = np.minimum(wanted, known.total - 1)
    clip = grey_at(source.film, known.encoded, shown)
    middle_s = (wanted + 0.5) / known.fps
    inside = (wanted < known.total) & (middle_s >= known.span_s[0]) & (middle_s <= known.span_s[1])
    silent = np.zeros((frames, bands), np.float32)
    heard_bands = source.bands[shown] if isinstance(source, Heard) else silent
    return {
        "frames": clip,
        "onset": onset_curve(source.onset_s, known.weight, middle_s, spread_s),
        "bands": heard_bands,
        "mask": inside.astype(np.float32),
        "heard": np.float32(isinstance(source, Heard)),
        **(grey_view(rng, clip.shape[1], clip.shape[2]) if augment else {}),
    }


class _Known(NamedTuple):
    """What cutting a clip needs to know of a recording, or of a film without sound."""

    fps: float
    total: int
    encoded: Sequence[bytes]
    weight: np.ndarray
    span_s: Sequence[float] | np.ndarray


def _known(source: Heard | SilentFilm) -> _Known:
    if isinstance(source, SilentFilm):
        return _Known(source.fps, len(source.film), (), np.ones(len(source.onset_s)), (-np.inf, np.inf))
    record = source.record
    return _Known(record["fps"], len(record["frames"]), record["frames"], source.weight, record["span_s"])


def grey_view(rng: np.random.Generator, height: int, width: int) -> dict[str, Any]:
    """Draws how a clip is altered: zoomed, mirrored, in other light, and half of the time turned into its negative.

    Args:
      rng: source of the draw.
      height: rows of the frames.
      width: columns of the frames.

    Returns:
      `view` float32 [10] and `view_seed` uint32 [], as `models.views.grey_views` takes them.
    """
    draw = sample_grey_augmentation(rng, height, width)
    draw = dataclasses.replace(draw, negative=bool(rng.random() < 0.5))
    return {"view": draw.numbers, "view_seed": np.uint32(draw.seed)}


def onset_curve(
    onset_s: Float[np.ndarray, "k"], weight: Float[np.ndarray, "k"], at_s: Float[np.ndarray, "t"], spread_s: float
) -> Float32[np.ndarray, "t"]:
    """Marks events by bumps exp(-d^2 / 2 s^2), the highest one counting.

    Args:
      onset_s: times of the events in seconds.
      weight: height of each bump.
      at_s: where to evaluate, in seconds.
      spread_s: s, in seconds.

    Returns:
      Values in [0, 1]; zeros without events.
    """
    if not len(onset_s):
        return np.zeros(len(at_s), np.float32)
    distance = (np.asarray(at_s)[:, None] - np.asarray(onset_s)[None]) / spread_s
    return (np.exp(-0.5 * distance**2) * weight[None]).max(axis=1).astype(np.float32)
