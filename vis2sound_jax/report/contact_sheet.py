"""A contact sheet: the log-mels of many sounds as a grid, to see at a glance what changes and what does not."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vis2sound_jax.audio.mel import MelSpec, log_mel
from vis2sound_jax.report.pictures import DPI, MelPanel, png_bytes

_CELL_IN = (2.4, 0.95)


def contact_sheet(rows: Sequence[tuple[str, Sequence[MelPanel]]], rate_hz: int) -> bytes:
    """Draws one row of pictures for every film, one column for every take.

    Args:
      rows: (title, sounds of the row); at least one row with a sound. Rows may differ in number and length of sounds;
        within a row all share one axis of time.
      rate_hz: sample rate of all sounds.

    Returns:
      A PNG. Triangles mark the onsets of each panel.

    Raises:
      ValueError: if there is nothing to draw.
    """
    columns = max((len(panels) for _, panels in rows), default=0)
    if not columns:
        raise ValueError("a contact sheet needs at least one sound")
    size = (_CELL_IN[0] * columns, _CELL_IN[1] * len(rows))
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    spec = MelSpec(rate_hz=rate_hz)
    for axes, (title, panels) in zip(grid, rows, strict=True):
        longest_s = max((len(panel.wav) for panel in panels), default=0) / rate_hz
        for place, axis in enumerate(axes):
            axis.set_axis_off()
            if place >= len(panels):
                continue
            panel = panels[place]
            mel = np.asarray(log_mel(np.asarray(panel.wav, np.float32), spec))
            extent = (0.0, mel.shape[1] * spec.hop / rate_hz, 0, spec.n_mels)
            axis.imshow(mel, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=0.1, vmax=0.95)
            height = np.full(len(panel.onsets_s), spec.n_mels - 5)
            axis.plot(panel.onsets_s, height, "v", color="#7fe7ff", markersize=3, linestyle="none")
            axis.set_xlim(0.0, longest_s)
            axis.set_title(f"{title}: {panel.title}" if place == 0 else panel.title, fontsize=6, loc="left")
    return png_bytes(figure)
