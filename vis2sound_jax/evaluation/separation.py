"""How well sources are taken apart: SDR, SIR and SAR of BSS Eval, and the scale-invariant SDR."""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from vis2sound_jax.errors import UserError

_FLOOR = 1e-12


class Separated(NamedTuple):
    """Scores of each source, in decibels (Vincent et al. 2006).

    Attributes:
      sdr: signal to all that is wrong.
      sir: signal to other sources.
      sar: signal to what no source is.
    """

    sdr: Float[np.ndarray, "k"]
    sir: Float[np.ndarray, "k"]
    sar: Float[np.ndarray, "k"]


def bss_eval(estimates: Float[np.ndarray, "k n"], sources: Float[np.ndarray, "k n"]) -> Separated:
    """Scores by BSS Eval version 3, by `mir_eval` of the extra `binaural`; estimate i is of source i.

    Args:
      estimates: what was separated.
      sources: what was mixed, none of them silent.

    Raises:
      UserError: if the package is missing, or if a source or estimate is silent, of which no score is defined.
    """
    try:
        from mir_eval.separation import bss_eval_sources
    except ImportError as error:
        raise UserError(
            "SDR, SIR and SAR are computed by the package mir_eval, which is missing; install it: "
            "pip install vis2sound_jax[binaural]"
        ) from error
    for name, wavs in (("source", sources), ("estimate", estimates)):
        for number, wav in enumerate(wavs):
            if not np.any(wav):
                raise UserError(f"{name} {number} is silent, so that it has no SDR; leave it out")
    with warnings.catch_warnings():
        # The module is to leave mir_eval one day; the pinned version has it.
        warnings.simplefilter("ignore")
        sdr, sir, sar, _ = bss_eval_sources(sources, estimates, compute_permutation=False)
    return Separated(sdr, sir, sar)


def si_sdr_db(estimate: Float[np.ndarray, "n"], source: Float[np.ndarray, "n"]) -> float:
    """Scale-invariant signal to distortion ratio (Le Roux et al. 2019), in decibels.

    Args:
      estimate: what was separated.
      source: what was mixed.

    Returns:
      The ratio, at most 120 and at least -120.
    """
    estimate, source = (np.asarray(x, np.float64) - np.mean(x) for x in (estimate, source))
    part = (estimate @ source) / (source @ source + _FLOOR) * source
    signal, rest = part @ part, (estimate - part) @ (estimate - part)
    return float(np.clip(10 * np.log10((signal + _FLOOR) / (rest + _FLOOR)), -120, 120))


def si_sdr_improvement_db(
    estimates: Float[np.ndarray, "k n"], sources: Float[np.ndarray, "k n"], mixture: Float[np.ndarray, "n"]
) -> Float[np.ndarray, "k"]:
    """How much better each estimate is than the mixture itself, in decibels.

    Args:
      estimates: what was separated; estimate i is of source i.
      sources: what was mixed.
      mixture: of them.
    """
    pairs = zip(estimates, sources, strict=True)
    return np.array([si_sdr_db(estimate, source) - si_sdr_db(mixture, source) for estimate, source in pairs])
