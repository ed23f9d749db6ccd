"""Pictures of the report as PNG bytes: mels with onset marks, confusion matrices, bars with their bounds.

Figures are made without pyplot, so nothing here depends on a display or leaves state behind.
"""

import io
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from vis2sound_jax.audio.mel import MelSpec, log_mel
from vis2sound_jax.evaluation.bootstrap import Estimate

DPI = 110
_BLUE, _GREEN, _RED = "#3465a4", "#2e7d32", "#b3261e"
_INK = "#222222"


@dataclass(frozen=True)
class MelPanel:
    """One sound of a mel picture.

    Attributes:
      title: what it is.
      wav: [n] waveform in [-1, 1].
      onsets_s: [k] onsets heard in it, in seconds.
    """

    title: str
    wav: np.ndarray
    onsets_s: np.ndarray


def mel_picture(
    panels: Sequence[MelPanel],
    rate_hz: int,
    *,
    annotated_s: Float[np.ndarray, "e"],
    video_curve: tuple[Float[np.ndarray, "t"], Float[np.ndarray, "t"]] | None = None,
) -> bytes:
    """Draws log-mels under each other on one time axis, the video's onset curve on top.

    Args:
      panels: at least one sound; the first is usually the real one.
      rate_hz: their sample rate.
      annotated_s: times of the annotated events, dashed lines in every panel, in seconds.
      video_curve: (times in seconds, onset probability) that the video encoder sees.

    Returns:
      A PNG.
    """
    extra = 0 if video_curve is None else 1
    figure = Figure(figsize=(7.2, 1.35 * (len(panels) + extra) + 0.5), dpi=DPI, layout="constrained")
    axes = list(figure.subplots(len(panels) + extra, 1, sharex=True, squeeze=False)[:, 0])
    if video_curve is not None:
        _draw_curve(axes.pop(0), video_curve, annotated_s)
    for axis, panel in zip(axes, panels, strict=True):
        _draw_mel(axis, panel, rate_hz, annotated_s)
    axes[-1].set_xlim(0.0, max(len(panel.wav) for panel in panels) / rate_hz)
    axes[-1].set_xlabel("time (s); dashed: annotated events, triangles: onsets heard", fontsize=8)
    return png_bytes(figure)


def confusion_picture(counts: Int[np.ndarray, "k k"], classes: Sequence[str], title: str) -> bytes:
    """Draws a confusion matrix, rows scaled to shares of the true class.

    Args:
      counts: [true, heard] numbers of events.
      classes: names of the classes.
      title: what was classified.

    Returns:
      A PNG.
    """
    names = [plain_text(name) for name in classes]
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 1.9 + 0.36 * len(classes)
    figure = Figure(figsize=(side + 0.4, side), dpi=DPI, layout="constrained")
    axis = figure.subplots()
    axis.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    for (true, heard), count in np.ndenumerate(counts):
        if count:
            colour = "white" if share[true, heard] > 0.6 else _INK
            axis.text(heard, true, str(count), ha="center", va="center", fontsize=7, color=colour)
    axis.set_xticks(range(len(classes)), names, rotation=60, ha="right", fontsize=8)
    axis.set_yticks(range(len(classes)), names, fontsize=8)
    axis.set_xlabel("heard by the classifier", fontsize=8)
    axis.set_ylabel("human label", fontsize=8)
    axis.set_title(plain_text(title), fontsize=10)
    return png_bytes(figure)


def bar_picture(
    title: str,
    rows: Mapping[str, Estimate],
    *,
    ceiling: Estimate | None = None,
    floor: Estimate | None = None,
) -> bytes:
    """Draws one metric of many rows with 95 % intervals between its floor and its ceiling.

    Args:
      title: name of the metric.
      rows: the estimate of each row, drawn from top to bottom; undefined ones stay empty.
      ceiling: the real sound's score.
      floor: chance.

    Returns:
      A PNG.
    """
    figure = Figure(figsize=(6.4, 0.9 + 0.34 * len(rows)), dpi=DPI, layout="constrained")
    axis = figure.subplots()
    for place, estimate in enumerate(rows.values()):
        if not np.isfinite(estimate.value):
            continue
        axis.barh(place, estimate.value, color=_BLUE, height=0.62)
        if np.isfinite([estimate.low, estimate.high]).all():
            axis.plot([estimate.low, estimate.high], [place, place], color=_INK, linewidth=1.4)
    for bound, colour, name in ((ceiling, _GREEN, "real sound"), (floor, _RED, "chance")):
        if bound is not None and np.isfinite(bound.value):
            label = f"{name} {bound.value:.2f}"
            axis.axvline(bound.value, color=colour, linestyle="--", linewidth=1.4, label=label)
    axis.set_yticks(range(len(rows)), [plain_text(row) for row in rows], fontsize=8)
    axis.invert_yaxis()
    axis.set_title(plain_text(title), fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=7, loc="best")
    return png_bytes(figure)


def png_bytes(figure: Figure) -> bytes:
    """Renders a figure.

    Args:
      figure: made without pyplot.

    Returns:
      A PNG whose bytes depend on the figure only.
    """
    buffer = io.BytesIO()
    for text in figure.findobj(Text):
        # Between two dollars of a name stands no formula.
        text.set_parse_math(False)
    with warnings.catch_warnings():
        # A name may have letters that the font does not; they are drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        _save(figure, buffer)
    return buffer.getvalue()


def plain_text(text: str, most: int = 120) -> str:
    """Makes a name one line that can be drawn, whatever its file is called.

    Args:
      text: may hold line breaks, control characters and bytes that are no UTF-8.
      most: characters; of a longer text the beginning is kept.

    Returns:
      The text; bytes as backslashes and digits, control characters as blanks.
    """
    known = text.encode("utf-8", "backslashreplace").decode()
    line = "".join(" " if unicodedata.category(char) == "Cc" else char for char in known)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _save(figure: Figure, buffer: io.BytesIO) -> None:
    # The writer's name would change with its version.
    figure.savefig(buffer, format="png", metadata={"Software": None})


def _draw_curve(axis: Axes, curve: tuple[np.ndarray, np.ndarray], annotated_s: np.ndarray) -> None:
    axis.fill_between(*curve, color=_BLUE, alpha=0.35, linewidth=0)
    axis.plot(*curve, color=_BLUE, linewidth=1.2)
    axis.set_ylim(0.0, max(1.0, float(np.max(curve[1], initial=0.0))))
    axis.set_title("seen: onset curve of the video encoder", fontsize=8, loc="left")
    for time_s in annotated_s:
        axis.axvline(time_s, color=_INK, linestyle="--", linewidth=0.7)


def _draw_mel(axis: Axes, panel: MelPanel, rate_hz: int, annotated_s: np.ndarray) -> None:
    spec = MelSpec(rate_hz=rate_hz)
    wav = np.asarray(panel.wav, np.float32)
    mel = np.asarray(log_mel(wav, spec))
    half_s = spec.hop / rate_hz / 2  # frame k is centred on k hops
    extent = (-half_s, (mel.shape[1] - 0.5) * spec.hop / rate_hz, 0, spec.n_mels)
    axis.imshow(mel, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=0.1, vmax=0.95)
    for time_s in annotated_s:
        axis.axvline(time_s, color="white", linestyle="--", linewidth=0.7)
    height = np.full(len(panel.onsets_s), spec.n_mels - 4)
    axis.plot(panel.onsets_s, height, "v", color="#7fe7ff", markersize=5, linestyle="none")
    axis.set_title(plain_text(panel.title), fontsize=8, loc="left")
    axis.set_yticks([])
