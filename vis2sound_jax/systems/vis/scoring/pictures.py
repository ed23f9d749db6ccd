"""Pictures of impacts as PNG bytes: mean cochleagrams, given beside real, soft confusion matrices."""

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
from jaxtyping import Float32, Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vis2sound_jax.evaluation.classifiers import labelled
from vis2sound_jax.report.pictures import DPI, png_bytes

STEPS_PER_S = 90.0
_COLUMNS = 6


def mean_cochleagrams_picture(
    features: Float32[np.ndarray, "e t c"], labels: Sequence[str] | np.ndarray, title: str
) -> bytes:
    """Draws the mean sound of each class, all on one scale (VIS, Figure 3a).

    Args:
      features: compressed cochleagrams of centred clips.
      labels: the class of each clip, "None" is left out.
      title: what the classes are.

    Returns:
      A PNG; an empty frame where nothing is labelled.
    """
    labels = np.asarray(labels, dtype=str)
    names = sorted(set(labels[labelled(labels)].tolist()))
    means = [features[labels == name].mean(axis=0) for name in names]
    top = max([float(mean.max()) for mean in means], default=1.0)
    n_rows = max(ceil(len(names) / _COLUMNS), 1)
    figure = Figure(figsize=(1.7 * _COLUMNS, 1.55 * n_rows + 0.6), dpi=DPI, layout="constrained")
    axes = figure.subplots(n_rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axis, name, mean in zip(axes, names, means, strict=False):
        _draw(axis, mean, top)
        axis.set_title(f"{name} ({int(np.sum(labels == name))})", fontsize=8)
    for axis in axes[len(names) :]:
        axis.set_visible(False)
    figure.suptitle(title, fontsize=10)
    figure.supxlabel("time from the impact (s)", fontsize=8)
    figure.supylabel("channel", fontsize=8)
    return png_bytes(figure)


def cochleagrams_picture(clips: Sequence[tuple[str, Mapping[str, Float32[np.ndarray, "t c"]]]]) -> bytes:
    """Draws the sounds of some clips, one clip a column and one row each way to make them (VIS, Figure 8).

    Args:
      clips: at least one (title, cochleagram by row); the first clip names the rows. Each clip has a scale of
        its own, that of its first row, which is usually the real sound.

    Returns:
      A PNG.

    Raises:
      ValueError: for no clip.
    """
    if not clips:
        raise ValueError("no clip to draw; give at least one")
    rows = list(clips[0][1])
    figure = Figure(figsize=(1.9 * len(clips) + 0.6, 1.5 * len(rows) + 0.5), dpi=DPI, layout="constrained")
    axes = figure.subplots(len(rows), len(clips), sharex=True, sharey=True, squeeze=False)
    for column, (title, sounds) in enumerate(clips):
        top = float(np.max(sounds[rows[0]]))
        for axis, row in zip(axes[:, column], rows, strict=True):
            if row in sounds:
                _draw(axis, sounds[row], top)
        axes[0, column].set_title(title, fontsize=8)
    for axis, row in zip(axes[:, 0], rows, strict=True):
        axis.set_ylabel(row, fontsize=8)
    figure.supxlabel("time from the impact (s); channels upwards", fontsize=8)
    return png_bytes(figure)


def soft_confusion_picture(
    matrices: Mapping[str, Float64[np.ndarray, "k k"]], classes: Sequence[str], order: Sequence[int], title: str
) -> bytes:
    """Draws soft confusion matrices side by side on one scale and in one order (VIS, Figure 5c).

    Args:
      matrices: by title, [true, heard] mean class probabilities.
      classes: names of the classes.
      order: the classes in the order to draw, such as `confusion.confusion_order` gives for the real sound.
      title: what was classified.

    Returns:
      A PNG.
    """
    names = [classes[k] for k in order]
    side = 1.6 + 0.22 * len(names)
    figure = Figure(figsize=(side * len(matrices) + 0.9, side + 0.9), dpi=DPI, layout="constrained")
    axes = figure.subplots(1, len(matrices), squeeze=False)[0]
    top = max(float(soft.max()) for soft in matrices.values())
    images = []
    for axis, (name, soft) in zip(axes, matrices.items(), strict=True):
        images.append(axis.imshow(soft[np.ix_(order, order)], cmap="Blues", vmin=0.0, vmax=top))
        axis.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
        axis.set_yticks(range(len(names)), names if axis is axes[0] else [], fontsize=7)
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("heard", fontsize=8)
    axes[0].set_ylabel("human label", fontsize=8)
    bar = figure.colorbar(images[0], ax=list(axes), shrink=0.8)
    bar.set_label("mean probability", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    figure.suptitle(title, fontsize=10)
    return png_bytes(figure)


def _draw(axis: Axes, cochleagram: np.ndarray, top: float) -> None:
    t, c = cochleagram.shape
    centre = t // 2  # the impact's step
    extent = ((-centre - 0.5) / STEPS_PER_S, (t - centre - 0.5) / STEPS_PER_S, -0.5, c - 0.5)
    axis.imshow(
        cochleagram.T, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=0.0, vmax=max(top, 1e-6)
    )
    axis.tick_params(labelsize=7)
