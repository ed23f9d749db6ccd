"""A contact sheet: the log-mels of many sounds as a grid, to see at a glance what changes and what does not."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32
from matplotlib.figure import Figure

from vis2sound_jax.audio.mel import MelSpec, log_mel
from vis2sound_jax.report.pictures import DPI, plain_text, png_bytes

_CELL_IN = (2.4, 0.95)
_MOST_COLUMNS = 1024
"""More than a cell has pixels; longer sounds are averaged to so many."""
_TITLE = 60  # letters that a cell has room for
_BLOCK = 2048  # frames of a long sound that are transformed at once


class MelCell(NamedTuple):
    """One sound as it is drawn; small however long the sound is.

    Attributes:
      title: what it is.
      mel: [f, c] log-mel, in columns of equal length.
      duration_s: length of the sound in seconds.
      onsets_s: [k] onsets heard in it, in seconds.
    """

    title: str
    mel: np.ndarray
    duration_s: float
    onsets_s: np.ndarray


def cell_of(title: str, wav: Float32[np.ndarray, "n"], onsets_s: Float[np.ndarray, "k"], rate_hz: int) -> MelCell:
    """Makes the picture of a sound, so that the sound need not be kept.

    Args:
      title: what it is.
      wav: waveform in [-1, 1].
      onsets_s: onsets heard in it, in seconds.
      rate_hz: its sample rate.

    Returns:
      The cell.
    """
    spec = MelSpec(rate_hz=rate_hz)
    size = _BLOCK * spec.hop
    if len(wav) <= size:
        mel = np.asarray(log_mel(wav, spec))
    else:
        # Blocks of one length, so that one program is compiled; the frame at the end of each begins the next.
        padded = np.pad(wav, (0, -len(wav) % size))
        blocks = [np.asarray(log_mel(padded[k : k + size], spec))[:, :_BLOCK] for k in range(0, len(padded), size)]
        mel = np.concatenate(blocks, axis=1)[:, : spec.frames_for(len(wav))]
    group = -(-mel.shape[1] // _MOST_COLUMNS)
    whole = np.pad(mel, ((0, 0), (0, -mel.shape[1] % group)), mode="edge")
    duration_s = mel.shape[1] * spec.hop / rate_hz
    return MelCell(title, whole.reshape(len(mel), -1, group).mean(axis=2), duration_s, np.asarray(onsets_s))


def contact_sheet(rows: Sequence[tuple[str, Sequence[MelCell]]]) -> bytes:
    """Draws one row of pictures for every film, one column for every take.

    Args:
      rows: (title, sounds of the row); at least one row with a sound. Rows may differ in number and length of sounds;
        within a row all share one axis of time.

    Returns:
      A PNG. Triangles mark the onsets of each cell.

    Raises:
      ValueError: if there is nothing to draw.
    """
    columns = max((len(cells) for _, cells in rows), default=0)
    if not columns:
        raise ValueError("a contact sheet needs at least one sound")
    size = (_CELL_IN[0] * columns, _CELL_IN[1] * len(rows))
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes, (title, cells) in zip(grid, rows, strict=True):
        longest_s = max((cell.duration_s for cell in cells), default=0)
        for place, axis in enumerate(axes):
            axis.set_axis_off()
            if place >= len(cells):
                continue
            cell = cells[place]
            bands = len(cell.mel)
            extent = (0.0, cell.duration_s, 0, bands)
            axis.imshow(cell.mel, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=0.1, vmax=0.95)
            height = np.full(len(cell.onsets_s), bands - 5)
            axis.plot(cell.onsets_s, height, "v", color="#7fe7ff", markersize=3, linestyle="none")
            axis.set_xlim(0.0, longest_s)
            words = f"{title}: {cell.title}" if place == 0 else cell.title
            axis.set_title(plain_text(words, _TITLE), fontsize=6, loc="left")
    return png_bytes(figure)
