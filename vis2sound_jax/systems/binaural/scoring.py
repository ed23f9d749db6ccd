"""Scores of windows of sound, each with its interval over windows."""

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from vis2sound_jax.audio.binaural import as_complex, difference_wav, oracle_mask
from vis2sound_jax.audio.head import Head
from vis2sound_jax.evaluation.azimuth import azimuth_deg
from vis2sound_jax.evaluation.binaural import distances, ild_db
from vis2sound_jax.evaluation.bootstrap import Estimate, Resampler, estimate
from vis2sound_jax.systems.binaural import build

COLUMNS = {
    "residual": "median |D - D̂|² / |D|²",
    "azimuth_deg": "median azimuth error, °",
    "ild_r": "ILD r",
    "ild_db": "ILD error, dB",
    "side": "right side",
    "stft": "STFT distance",
    "envelope": "ENV distance",
}
"""What is scored, and how it is called. The distances are in the published form."""

_SIDE_DB = 2.0

Windows = Float[np.ndarray, "w 2 n"]


def scores(
    predicted: Windows, true: Windows, azimuths_deg: Sequence[float | None], heads: Sequence[Head], seed: int
) -> dict[str, Estimate]:
    """Scores the windows of one row.

    Args:
      predicted: what was made.
      true: what was heard.
      azimuths_deg: where the source of each window is; None where there are several.
      heads: who heard each window.
      seed: of the resampled windows.

    Returns:
      A score for each column; the azimuth only where a window has a single source.
    """
    resampler = Resampler.over(range(len(true)), seed=seed)
    found = [distances(one, other) for one, other in zip(predicted, true, strict=True)]
    made, wanted = (np.array([ild_db(ears) for ears in windows]) for windows in (predicted, true))
    clear = np.abs(wanted) > _SIDE_DB
    ones = np.ones(len(true))
    result = {
        "residual": median(resampler, [one.residual for one in found]),
        "ild_r": resampler.pearson(list(np.stack([wanted, made], axis=1)[:, None])),
        "ild_db": resampler.ratio(np.abs(made - wanted).tolist(), ones.tolist()),
        "side": resampler.ratio((clear & (np.sign(made) == np.sign(wanted))).tolist(), clear.tolist()),
        "stft": resampler.ratio([one.stft for one in found], ones.tolist()),
        "envelope": resampler.ratio([one.envelope for one in found], ones.tolist()),
    }
    if all(azimuth is not None for azimuth in azimuths_deg):
        pairs = zip(predicted, azimuths_deg, heads, strict=True)
        errors = [abs(azimuth_deg(ears, head) - float(azimuth or 0.0)) for ears, azimuth, head in pairs]
        result["azimuth_deg"] = median(resampler, errors)
    return result


def median(resampler: Resampler, values: Sequence[float]) -> Estimate:
    """The median and its interval.

    Args:
      resampler: over the items.
      values: one an item.
    """
    order = np.argsort(values)
    weights = resampler.weights[:, resampler.index][:, order]
    total = np.cumsum(weights, axis=1)
    place = np.argmax(total >= total[:, -1:] / 2, axis=1)
    return estimate(np.asarray(values, float)[order][place])


def oracle(mix: Float[np.ndarray, "w n"], difference: Float[np.ndarray, "w n"]) -> Float[np.ndarray, "w n"]:
    """The difference that the best bounded mask gives: what no such network can do better.

    Args:
      mix: left plus right.
      difference: left minus right.
    """
    heard, wanted = (as_complex(build.analyse(jnp.asarray(x))) for x in (mix, difference))
    made = oracle_mask(heard, wanted) * heard
    return np.asarray(difference_wav(made[:, :-1], mix.shape[-1]))


def as_json(rows: Mapping[str, Mapping[str, Estimate]]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Rows of scores for a JSON file."""
    return {row: {name: value.as_dict() for name, value in found.items()} for row, found in rows.items()}
