"""Sound of many channels as two: the rule of ITU-R BS.775 for films with surround sound."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from vis2sound_jax.errors import UserError

_MINUS_3_DB = 0.5**0.5
_FRONT = {"FL": (1.0, 0.0), "FR": (0.0, 1.0), "DL": (1.0, 0.0), "DR": (0.0, 1.0)}
# What files that do not name their channels hold, by their number, in the order of WAV and FFmpeg.
_UNNAMED = {
    3: ("FL", "FR", "FC"),
    4: ("FL", "FR", "BL", "BR"),
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}


def at_most_stereo(wav: Float32[np.ndarray, "n c"], names: Sequence[str]) -> Float32[np.ndarray, "n d"]:
    """Mixes more than two channels to left and right; one or two stay as they are.

    Left is the front left, and at -3 dB every other channel of the left side (surround, back, height) and every one of
    the middle (centre, back centre). Right likewise. The channel of low effects is left out. Nothing is divided by the
    sum, so that a film's front channels keep their level; the mix of a loud one may go beyond [-1, 1].

    Args:
      wav: the channels.
      names: of each, as FFmpeg calls them: FL, FR, FC, LFE, BL, SR...; names that tell no place are taken as those of
        a WAV file with that many channels.

    Returns:
      One channel, or left and right.

    Raises:
      UserError: if there are more than eight channels without places.
    """
    if wav.shape[1] <= 2:
        return wav
    if any(not _known(name) for name in names):
        if len(names) not in _UNNAMED:
            raise UserError(f"a sound of {len(names)} channels that do not say where they are heard; mix it to stereo")
        names = _UNNAMED[len(names)]
    return wav @ np.array([_shares(name) for name in names], np.float32)


def _known(name: str) -> bool:
    return name.startswith("LFE") or name[-1:] in ("L", "R", "C")


def _shares(name: str) -> tuple[float, float]:
    """How much of a channel goes to the left and to the right."""
    if name.startswith("LFE"):
        return 0.0, 0.0
    if name in _FRONT:
        return _FRONT[name]
    # Of the places only left, right and centre matter: FLC is left of the centre, TBR the right back above.
    left, right = "L" in name, "R" in name
    return _MINUS_3_DB * (left or not right), _MINUS_3_DB * (right or not left)
