"""The windows of an example that condition a film's windows."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32

from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.mel import levelled, log_mel_of
from vis2sound_jax.audio.onsets import onset_events
from vis2sound_jax.audio.rates import heard_in_blocks
from vis2sound_jax.data.tokens import style_of, video_window
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.generation.watch import WINDOW_FRAMES, Seen
from vis2sound_jax.models.grid import tokens_from_grid
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.systems.condfoley.networks import Networks
from vis2sound_jax.video.container import PathLike
from vis2sound_jax.video.film import Film

_SILENT = 1e-4
_LONG_S = 300.0
_DIGITS = 9  # of summed confidences: windows with the same onsets are equal, whatever their sums round to

LookFn = Callable[[float], Float32[np.ndarray, "p g"]]
"""Second of the example at which a window begins → its video features."""


class Conditions(NamedTuple):
    """What an example says to the transformer.

    Attributes:
      windows: `condition` [n], `condition_video` [p, g] and, unless the video is a prefix, `style` [e] of each window.
      began_s: second of the example at which the first begins.
      silence_s: seconds of silence behind an example that is shorter than a window; 0 for all others.
    """

    windows: Sequence[Mapping[str, Any]]
    began_s: float
    silence_s: float


class _Cut(NamedTuple):
    """The part of an example's sound that is used, and where windows begin in it."""

    wav: np.ndarray
    first: int  # sample of the example at which `wav` begins
    starts: tuple[int, ...]  # samples of `wav` at which windows begin, each a whole number of frames of a log-mel


def conditions(networks: Networks, example: Example, start_s: float | None) -> Conditions:
    """Cuts the windows that condition the film's windows, in turn, out of an example.

    An example that is shorter than a window is followed by silence; of its film, the last picture is held. With a start
    and `decoding.slide_condition` off only the window, and what lies around it, is read.

    Args:
      networks: of the run.
      example: of any length, and not silent.
      start_s: second at which the first window begins; None takes the most eventful place.

    Returns:
      The windows, and where they are from.

    Raises:
      UserError: if the example is silent, or does not allow that start.
    """
    alone = start_s is not None and not networks.config.decoding.slide_condition
    cut = _window_alone(networks, example, start_s or 0.0) if alone else _whole(networks, example, start_s)
    length = round(networks.window_s * networks.rate_hz)
    if max(cut.wav.max(initial=0.0), -cut.wav.min(initial=0.0)) < _SILENT:
        where = f"is silent around {start_s:g} s" if alone else "is silent"
        raise file_error(_name(example), where, "give an example that can be heard" + ", or another --start" * alone)
    wav = levelled(cut.wav, networks.config.codebook.rms)
    missing = max(cut.starts[0] + length - len(wav), 0)
    mel, hop = log_mel_of(np.pad(wav, (0, missing)) if missing else wav, networks.spec), networks.spec.hop
    times_s = [(cut.first + start) / networks.rate_hz for start in cut.starts]
    look = _look(networks, example, times_s, alone=alone)
    windows = [_condition(networks, mel, look(at_s), k // hop) for k, at_s in zip(cut.starts, times_s, strict=True)]
    return Conditions(windows, times_s[0], missing / networks.rate_hz)


def _whole(networks: Networks, example: Example, start_s: float | None) -> _Cut:
    """All of an example: the busiest window of it, or the one that is asked for, and with sliding all others."""
    rate_hz, columns = networks.rate_hz, networks.config.transformer.columns
    wav, size = heard(example, rate_hz), networks.config.codebook.frames * networks.spec.hop
    begin = 0
    if start_s is not None:
        _check_start(networks, example, start_s, len(wav))
        begin = round(start_s * rate_hz) % size
    last = max((len(wav) - begin) // size - columns, 0)
    if start_s is None:
        start = busiest(wav, rate_hz, networks.column_s, columns, last) if last else 0
    else:
        start = round(start_s * rate_hz) // size
    starts, half = [start], columns // 2
    if networks.config.decoding.slide_condition:
        starts = [*range(start, last + 1, half), *range(start % half, start, half)]
    return _Cut(wav[begin:], begin, tuple(k * size for k in starts))


def _window_alone(networks: Networks, example: Example, start_s: float) -> _Cut:
    """One window of an example with a column before and behind it, which its log-mel needs."""
    rate_hz, hop = networks.rate_hz, networks.spec.hop
    around, length = networks.config.codebook.frames * hop, round(networks.window_s * rate_hz)
    start = round(start_s * rate_hz)
    lead = min(max(start, 0), around) // hop * hop
    if start_s < 0:
        _check_start(networks, example, start_s, len(example.read(rate_hz)))
    wanted = lead + length + around
    wav = example.read(rate_hz, start_s=(start - lead) / rate_hz, duration_s=wanted / rate_hz)
    if len(wav) < lead + length:
        _check_start(networks, example, start_s, start - lead + len(wav))
    return _Cut(wav, start - lead, (lead,))


def _check_start(networks: Networks, example: Example, start_s: float, samples: int) -> None:
    last_s = max(samples / networks.rate_hz - networks.window_s, 0.0)
    if not 0 <= start_s <= last_s:
        raise UserError(
            f"--start is {start_s:g}, but {_name(example)} allows 0 to {np.floor(100 * last_s) / 100:.2f} s "
            f"for a window of {networks.window_s:.2f} s"
        )


def _name(example: Example) -> PathLike:
    return example.name if example.path is None else example.path


def heard(example: Example, rate_hz: int) -> Float32[np.ndarray, "n"]:
    """Reads an example as networks hear it; a long one block by block, so that it is not in memory several times.

    Args:
      example: with a sound.
      rate_hz: wanted sample rate.

    Returns:
      One channel.

    Raises:
      UserError: if there is no sound, or it breaks off.
    """
    own_hz, weights = example.rate_hz, example.mono_weights()  # which reads all of it, and comes first for that
    blocks = example.blocks(_LONG_S)
    begin = list(itertools.islice(blocks, 2))
    if len(begin) < 2:
        return example.read(rate_hz)
    return heard_in_blocks(itertools.chain(begin, blocks), own_hz, rate_hz, weights)


def busiest(wav: Float32[np.ndarray, "n"], rate_hz: int, column_s: float, columns: int, last: int) -> int:
    """Finds the window with the most confident onsets, early rather than late.

    Args:
      wav: the example.
      rate_hz: its sample rate.
      column_s: length of a column in seconds.
      columns: of a window.
      last: the last column at which a window may begin.

    Returns:
      The first column of the window.
    """
    times_s, confidence = onset_events(wav, rate_hz)
    starts_s = np.arange(last + 1) * column_s
    before = np.concatenate([[0.0], np.cumsum(confidence)])
    first = np.searchsorted(times_s, starts_s + column_s)
    end = np.searchsorted(times_s, starts_s + columns * column_s)
    return int(np.argmax(np.round(before[end] - before[first], _DIGITS)))


def _condition(networks: Networks, mel: np.ndarray, video: np.ndarray, first: int) -> dict[str, np.ndarray]:
    """What the transformer hears and sees of the window whose log-mel begins at a frame."""
    columns, frames = networks.config.transformer.columns, networks.config.codebook.frames
    window = mel[:, first : first + columns * frames]
    grid = networks.coder.encode(networks.params["codebook"], jnp.asarray(window[None]))
    condition = {
        "condition": np.asarray(tokens_from_grid(grid, build.book_size(networks.config)))[0],
        "condition_video": video,
    }
    return condition if networks.composer.prefix else condition | {"style": style_of(window)}


def _look(networks: Networks, example: Example, times_s: Sequence[float], *, alone: bool) -> LookFn:
    """What the transformer sees of the example's windows, which begin at these times."""
    film, prefix = example.film, build.prefix_frames(networks.config)
    if film is None:
        return _nothing_to_see(networks)
    if networks.clip_watcher is not None:
        begin_s, ordered = min(times_s), sorted(times_s)
        columns = [round((at_s - begin_s) / networks.column_s) for at_s in ordered]
        clips = networks.clips(networks.pictures(film, start_s=begin_s), columns)
        return lambda at_s: clips[columns[ordered.index(at_s)]]
    begin_s, duration_s = _seen_around(networks, film, times_s[0]) if alone else (0.0, None)
    seen = networks.see(networks.pictures(film, start_s=begin_s, duration_s=duration_s))
    recording = networks.recording("example", seen, networks.config.transformer.columns)
    return lambda at_s: video_window(
        dataclasses.replace(recording, offset_s=at_s - begin_s), 0, networks.config.transformer.columns, prefix
    )


def _seen_around(networks: Networks, film: Film, start_s: float) -> tuple[float, float]:
    """Beginning and length of what is watched for one window: as much as the encoder looks at together."""
    fps = networks.config.data.fps
    total = max(round(film.duration_s * fps), 1)
    spare = max(WINDOW_FRAMES - round(networks.window_s * fps), 0)
    first = min(max(int(start_s * fps) - spare // 2, 0), max(total - WINDOW_FRAMES, 0))
    return first / fps, min(WINDOW_FRAMES, total - first) / fps


def _nothing_to_see(networks: Networks) -> LookFn:
    """The features of an example without pictures, which training shows by zeros."""
    width, columns = networks.config.encoder.width, networks.config.transformer.columns
    if networks.clip_watcher is not None:
        return lambda at_s: np.zeros((build.PREFIX_FRAMES, width), np.float32)
    blank = networks.recording("sound", Seen(np.zeros((1, width), np.float32), np.zeros(1, np.float32)), columns)
    return lambda at_s: video_window(blank, 0, columns, build.prefix_frames(networks.config))
