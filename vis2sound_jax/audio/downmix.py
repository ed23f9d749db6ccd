"""Sound of many channels as one or two: ITU-R BS.775 by the names of channels, and what can be heard where they cancel.

What is done is decided once for a whole sound, so that nothing changes in the middle of it: `Heard` looks at all of it,
block by block if need be, and gives a `Mix`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax import large

_MINUS_3_DB = 0.5**0.5
_FRONT = {"FL": (1.0, 0.0), "FR": (0.0, 1.0), "DL": (1.0, 0.0), "DR": (0.0, 1.0)}
# Of sound fields the pressure, and the difference between left and right.
_FIELD = {"AMBI0": (_MINUS_3_DB, _MINUS_3_DB), "AMBI1": (0.5, -0.5)}
# What files that do not name their channels hold, by their number, in the order of WAV and FFmpeg.
_UNNAMED = {
    3: ("FL", "FR", "FC"),
    4: ("FL", "FR", "BL", "BR"),
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}
# A mix has lost what it is made of where its energy is below this share of what unrelated channels would give:
# of two channels as loud as each other, where their correlation is below -0.85.
_CANCELLED = 0.15
# Channels within 1 dB are equally loud; the first of them is taken, whatever they round to.
_AS_LOUD = 10 ** (-0.1)
_INAUDIBLE = 1e-4  # -80 dB, as elsewhere


@dataclass(frozen=True)
class Mix:
    """How channels become one or two.

    Attributes:
      weights: [c, d] share of each channel in each channel of the mix; None takes the channels as they are, or, for
        one channel of two, their mean.
      said: what was done, for people; empty where nothing was.
    """

    weights: np.ndarray | None = None
    said: str = ""

    def mixed(self, wav: Float32[np.ndarray, "n c"]) -> Float32[np.ndarray, "n d"]:
        """Mixes to as many channels as the mix has.

        Args:
          wav: the channels.

        Returns:
          The mix.
        """
        return wav if self.weights is None else wav @ self.weights

    def mono(self, wav: Float32[np.ndarray, "n c"]) -> Float32[np.ndarray, "n"]:
        """Mixes to one channel.

        Args:
          wav: the channels.

        Returns:
          The mix, or the mean of the channels where no weights were needed.
        """
        return wav.mean(axis=1, dtype=np.float32) if self.weights is None else wav @ self.weights[:, 0]


class Heard:
    """What is heard of a whole sound: from it follows how its channels are mixed."""

    def __init__(self, names: Sequence[str]) -> None:
        """Begins with nothing heard.

        Args:
          names: of the channels, as FFmpeg calls them: FL, FR, FC, LFE, BL, SR...; names that tell no place are taken
            as those of a WAV file with that many channels, and of more than eight each is heard in the middle.
        """
        self._names = tuple(names)
        self._wide = _wide(names)
        count = len(self._names)
        self._products, self._peaks = np.zeros((count, count)), np.zeros(count)
        self._mix_peaks = np.zeros(3)

    def add(self, wav: Float32[np.ndarray, "n c"]) -> None:
        """Listens to one more piece.

        Args:
          wav: the channels.
        """
        if not len(wav):
            return
        exact = wav.astype(np.float64)
        self._products += exact.T @ exact
        self._peaks = np.maximum(self._peaks, np.abs(wav).max(axis=0))
        if wav.shape[1] > 2:
            mixes = wav @ self._columns().astype(np.float32)
            self._mix_peaks = np.maximum(self._mix_peaks, np.abs(mixes).max(axis=0))

    def stereo(self) -> Mix:
        """Decides how the sound becomes left and right; one or two channels stay as they are."""
        if len(self._names) <= 2:
            return Mix()
        return self._mix(self._wide, self._mix_peaks[:2].max(), "left and right")

    def mono(self) -> Mix:
        """Decides how the sound becomes one channel: the mean of two, the mean of left and right of more."""
        count = len(self._names)
        if count == 1:
            return Mix()
        if count > 2:
            return self._mix(self._columns()[:, 2:], self._mix_peaks[2], "one channel")
        mean = np.full((2, 1), 0.5)
        return Mix() if self._lost(mean[:, 0]) is None else self._mix(mean, 0.0, "one channel")

    def through(self, mix: Mix) -> "Heard":
        """What is heard of a mix of the channels.

        Args:
          mix: to left and right.

        Returns:
          The same of its two channels; their peaks are those of the loudest channel at most.
        """
        assert mix.weights is not None  # or it would be the same channels
        pair = Heard(("FL", "FR"))
        pair._products = mix.weights.T.astype(np.float64) @ self._products @ mix.weights
        pair._peaks = np.full(2, self._peaks.max())
        return pair

    def _columns(self) -> Float[np.ndarray, "c 3"]:
        """Left, right and the mean of both."""
        return np.concatenate([self._wide, self._wide.mean(axis=1, keepdims=True)], axis=1)

    def _mix(self, weights: Float[np.ndarray, "c d"], peak: float, what: str) -> Mix:
        """A mix that is no louder than full scale or the channels, of what does not cancel."""
        loudest = max(float(self._peaks.max()), 1.0)
        made = weights * min(1.0, loudest / peak) if peak > 0 else weights.copy()
        said = f"{what} of {len(self._names)} channels by ITU-R BS.775" if len(self._names) > 2 else ""
        for column in range(weights.shape[1]):
            lost = self._lost(weights[:, column])
            if lost is not None:
                made[:, column] = np.eye(len(made))[lost]
                said = f"{what} of {len(self._names)} channels, which cancel; channel {lost + 1} is heard alone"
        return Mix(made.astype(np.float32), said)

    def _lost(self, weights: Float[np.ndarray, "c"]) -> int | None:
        """The channel that is heard instead of a mix in which too little is left; None where enough is."""
        if not np.isfinite(self._products).all():  # whoever reads on refuses such samples
            return None
        energy = np.diag(self._products)
        heard = float(weights @ self._products @ weights)
        apart = float(np.sum(weights**2 * energy))
        used = np.abs(weights) > 0
        if self._peaks[used].max(initial=0.0) >= _INAUDIBLE:
            if heard >= _CANCELLED * apart:
                return None
            energy = energy * weights**2
        elif self._peaks.max(initial=0.0) < _INAUDIBLE:
            return None
        return int(np.argmax(energy >= _AS_LOUD * energy.max()))


def mono_of(wav: Float32[np.ndarray, "n *c"], names: Sequence[str] | None = None) -> Float32[np.ndarray, "n"]:
    """Mixes a whole sound to one channel.

    Args:
      wav: one channel, or one per column.
      names: of the channels; None where nobody knows.

    Returns:
      The mean of one or two channels, or of left and right of more; where that cancels, the channel that is heard most.
    """
    if wav.ndim == 1:
        return wav
    heard, made = Heard(names or ["NONE"] * wav.shape[1]), large.zeros((len(wav),))
    for place in large.pieces(len(wav), wav):
        heard.add(wav[place])
    mix = heard.mono()
    for place in large.pieces(len(wav), wav, made):
        made[place] = mix.mono(wav[place])
    return made


def at_most_stereo(wav: Float32[np.ndarray, "n c"], names: Sequence[str]) -> Float32[np.ndarray, "n d"]:
    """Mixes a whole sound of more than two channels to left and right; one or two stay as they are.

    Left is the front left, and at -3 dB every other channel of the left side (surround, back, height) and every one of
    the middle (centre, back centre). Right likewise. The channel of low effects is left out. Where the mix would go
    beyond full scale, and beyond the channels, all of it is turned down; where channels cancel in it, the loudest of
    them is heard instead.

    Args:
      wav: the channels.
      names: of each; see `Heard`.

    Returns:
      One channel, or left and right.
    """
    heard = Heard(names)
    heard.add(wav)
    return heard.stereo().mixed(wav)


def _wide(names: Sequence[str]) -> Float[np.ndarray, "c 2"]:
    """Share of each channel in left and right."""
    if any(not _known(name) for name in names):
        names = _UNNAMED.get(len(names), names)
    return np.array([_shares(name) for name in names])


def _known(name: str) -> bool:
    return name.startswith(("LFE", "AMBI")) or name[-1:] in ("L", "R", "C")


def _shares(name: str) -> tuple[float, float]:
    """How much of a channel goes to the left and to the right."""
    if name.startswith("LFE"):
        return 0.0, 0.0
    if name.startswith("AMBI"):
        return _FIELD.get(name, (0.0, 0.0))
    if name in _FRONT:
        return _FRONT[name]
    # Of the places only left, right and centre matter: FLC is left of the centre, TBR the right back above.
    left, right = _known(name) and "L" in name, _known(name) and "R" in name
    return _MINUS_3_DB * (left or not right), _MINUS_3_DB * (right or not left)
