"""The windows of an example that condition a film's windows."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32

from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.mel import levelled, log_mel_of
from vis2sound_jax.audio.onsets import onset_events
from vis2sound_jax.audio.rates import heard_in_blocks
from vis2sound_jax.data.tokens import style_of, video_window
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.generation.watch import Seen
from vis2sound_jax.models.grid import tokens_from_grid
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.systems.condfoley.networks import Networks

_SILENT = 1e-4
_LONG_S = 300.0
_DIGITS = 9  # of summed confidences: windows with the same onsets are equal, whatever their sums round to

LookFn = Callable[[int], Float32[np.ndarray, "p g"]]
"""First column of a window of the example → its video features."""


def conditions(networks: Networks, example: Example, start_s: float | None) -> tuple[list[Mapping[str, Any]], float]:
    """Cuts the windows that condition the film's windows, in turn, out of an example.

    Args:
      networks: of the run.
      example: at least a window long, and not silent.
      start_s: second at which the first window begins; None takes the most eventful place.

    Returns:
      `condition` [n], `condition_video` [p, g] and, unless the video is a prefix, `style` [e] of each window; and the
      second at which the first begins.

    Raises:
      UserError: if the example is too short or silent, or does not allow that start.
    """
    name = example.name if example.path is None else example.path
    wav, rate_hz, columns = heard(example, networks.rate_hz), networks.rate_hz, networks.config.transformer.columns
    networks.check_length(name, len(wav) / rate_hz, "give a longer example")
    if max(wav.max(), -wav.min()) < _SILENT:
        raise file_error(name, "is silent", "give an example that can be heard")
    total = int(len(wav) / rate_hz / networks.column_s)
    last = total - columns
    start = busiest(wav, rate_hz, networks.column_s, columns, last) if start_s is None else start_s / networks.column_s
    if not 0 <= start <= last:
        raise UserError(
            f"--start is {start_s}, but {name} allows 0 to {last * networks.column_s:.2f} s "
            f"for a window of {networks.window_s:.2f} s"
        )
    start, half = round(start), columns // 2
    starts = [start]
    if networks.config.decoding.slide_condition:
        starts = [*range(start, last + 1, half), *range(start % half, start, half)]
    mel, look = (
        log_mel_of(levelled(wav, networks.config.codebook.rms), networks.spec),
        _look(networks, example, total, starts),
    )
    return [_condition(networks, mel, look, first) for first in starts], start * networks.column_s


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
    own_hz, blocks = example.rate_hz, example.blocks(_LONG_S)
    begin = list(itertools.islice(blocks, 2))
    if len(begin) < 2:
        return example.read(rate_hz)
    return heard_in_blocks(itertools.chain(begin, blocks), own_hz, rate_hz)


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


def _condition(networks: Networks, mel: np.ndarray, look: LookFn, start: int) -> dict[str, np.ndarray]:
    columns, frames = networks.config.transformer.columns, networks.config.codebook.frames
    window = mel[:, start * frames : (start + columns) * frames]
    grid = networks.coder.encode(networks.params["codebook"], jnp.asarray(window[None]))
    condition = {
        "condition": np.asarray(tokens_from_grid(grid, build.book_size(networks.config)))[0],
        "condition_video": look(start),
    }
    return condition if networks.composer.prefix else condition | {"style": style_of(window)}


def _look(networks: Networks, example: Example, columns: int, starts: Sequence[int]) -> LookFn:
    """What the transformer sees of the example's windows."""
    if example.film is None:
        return _nothing_to_see(networks)
    pictures = networks.pictures(example.film)
    if networks.clip_watcher is not None:
        return networks.clips(pictures, sorted(starts)).__getitem__
    film, prefix = networks.recording("example", networks.see(pictures), columns), build.prefix_frames(networks.config)
    return lambda start: video_window(film, start, networks.config.transformer.columns, prefix)


def _nothing_to_see(networks: Networks) -> LookFn:
    """The features of an example without pictures, which training shows by zeros."""
    width, columns = networks.config.encoder.width, networks.config.transformer.columns
    if networks.clip_watcher is not None:
        return lambda start: np.zeros((build.PREFIX_FRAMES, width), np.float32)
    blank = networks.recording("sound", Seen(np.zeros((1, width), np.float32), np.zeros(1, np.float32)), columns)
    return lambda start: video_window(blank, 0, columns, build.prefix_frames(networks.config))
