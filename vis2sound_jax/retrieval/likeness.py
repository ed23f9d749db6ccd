"""Whether the hits of a take sound like those of the example, wherever in either they come.

Timing is left to `takes.agreement`: two sounds with the same hits at other times are alike.
"""

import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax.audio.mel import MelSpec, log_mel_of
from vis2sound_jax.audio.onsets import onset_events

_HIT_S = 0.25
_LEAD_FRAMES = 1
_LEAST = 1e-6  # weight of the faintest hit


def hit_spectrum(wav: Float32[np.ndarray, "n"], spec: MelSpec) -> Float[np.ndarray, "f"]:
    """Averages the log-mel spectra of a sound's hits, the surer an onset the more.

    Args:
      wav: waveform in [-1, 1].
      spec: bands and levels.

    Returns:
      Mean level of each band during the quarter of a second after an onset; of the whole sound where it has none.
    """
    mel = log_mel_of(wav, spec)
    times_s, confidence = onset_events(wav, spec.rate_hz)
    if not len(times_s):
        return mel.mean(axis=1)
    first, length = np.floor(times_s * spec.rate_hz / spec.hop).astype(int), round(_HIT_S * spec.rate_hz / spec.hop)
    hits = [mel[:, max(k - _LEAD_FRAMES, 0) : k + length].mean(axis=1) for k in np.minimum(first, mel.shape[1] - 1)]
    return np.average(np.stack(hits), axis=0, weights=confidence + _LEAST)


def likeness(one: Float[np.ndarray, "f"], other: Float[np.ndarray, "f"]) -> float:
    """Correlation of two spectra over their bands, whatever their levels.

    Args:
      one: what `hit_spectrum` gave.
      other: likewise, with the same bands.

    Returns:
      A number in [-1, 1]; 0 where one is flat.
    """
    one, other = one - one.mean(), other - other.mean()
    size = np.sqrt((one @ one) * (other @ other))
    return float(np.clip(one @ other / size, -1.0, 1.0)) if size > 0 else 0.0
