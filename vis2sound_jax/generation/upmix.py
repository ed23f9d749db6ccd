"""A mono sound and its film to the difference of two channels, window by window, in memory that does not grow."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, UInt8

from vis2sound_jax.audio.binaural import HOP, WINDOW, differences, frame_of, stereo_rms
from vis2sound_jax.audio.joining import window_starts
from vis2sound_jax.audio.overlap import OverlapMean, padded_to
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.watch import Frames
from vis2sound_jax.models.audio_unet import AudioUNet
from vis2sound_jax.models.r2plus1d import normalised
from vis2sound_jax.models.resnet import ResNet


@dataclasses.dataclass(frozen=True)
class Upmixer:
    """The two networks of 2.5D Visual Sound, and how many windows and pictures go through them at once.

    Their variables are `{"visual": {"params", "batch_stats"}, "audio": likewise}`.

    Attributes:
      eye: looks at pictures.
      net: hears windows.
      windows: of a batch; programs are compiled for this number alone.
      pictures: of a batch.
      compat: invert as the reference did; see `audio.binaural`.
    """

    eye: ResNet
    net: AudioUNet
    windows: int = 16
    pictures: int = 8
    compat: bool = False

    @functools.partial(jax.jit, static_argnums=0)
    def codes(self, variables: Any, pictures: UInt8[Array, "b h w 3"]) -> Float[Array, "b d"]:
        """Reduces pictures to what the audio network is told; once a picture, however many windows see it.

        Args:
          variables: as the class says.
          pictures: red, green and blue, of the size that the network was trained with.
        """
        seen = self.eye.apply(variables["visual"], normalised(pictures, imagenet=True), use_running_average=True)
        return self.net.apply(variables["audio"], seen, method="code", use_running_average=True)

    @functools.partial(jax.jit, static_argnums=0)
    def differences(
        self, variables: Any, mix: Float[Array, "b n"], codes: Float[Array, "b d"], rms: Float[Array, "b"] | None = None
    ) -> Float[Array, "b n"]:
        """Predicts windows.

        Args:
          variables: as the class says.
          mix: left plus right.
          codes: of the picture that each window is seen with.
          rms: see `audio.binaural.differences`.
        """

        def masks(spectra: Array) -> Array:
            return self.net.apply(variables["audio"], spectra, codes, method="mask", use_running_average=True)

        return differences(mix, masks, rms, compat=self.compat)


class _Seen:
    """Codes of the pictures around a window: read in order, each looked at once."""

    def __init__(self, upmixer: Upmixer, variables: Any, pictures: Frames) -> None:
        self._look = functools.partial(upmixer.codes, variables)
        self._batch = upmixer.pictures
        self._pictures = iter(pictures)
        self._first = 0
        self._codes: list[np.ndarray] = []

    def between(self, first: int, last: int) -> list[np.ndarray]:
        """Codes of the pictures `first` to `last`, both included; earlier ones are forgotten."""
        while self._first + len(self._codes) <= last:
            block = [picture for _, picture in zip(range(self._batch), self._pictures, strict=False)]
            if not block:
                raise UserError(
                    f"the film ends at picture {self._first + len(self._codes)}, before it should; decode it again"
                )
            whole = np.stack([*block, *[block[-1]] * (self._batch - len(block))])
            self._codes += list(np.asarray(self._look(whole)))[: len(block)]
        self._codes, self._first = self._codes[first - self._first :], first
        return self._codes[: last - first + 1]


def predict_difference(
    upmixer: Upmixer,
    variables: Any,
    mix: Float32[np.ndarray, "n"],
    pictures: Frames,
    fps: float,
    *,
    hop: int = HOP,
    truth: Float32[np.ndarray, "2 n"] | None = None,
) -> Iterator[Float32[np.ndarray, "k"]]:
    """Predicts the difference of left and right of a whole film.

    Args:
      upmixer: the networks.
      variables: theirs.
      mix: sum of left and right at `audio.binaural.RATE_HZ`, n >= 1; for a mono sound twice the sound. Any array that
        can be sliced, such as a file mapped into memory. What is shorter than a window is continued by its mirror
        image.
      pictures: of the film, uint8 [h, w, 3], as large as the network was trained with.
      fps: pictures a second.
      hop: samples from one window to the next.
      truth: the true channels, of whose level the reference made use; for comparison with its numbers only.

    Yields:
      Pieces of the difference, n samples in all.

    Raises:
      UserError: if there is no picture or no sound, or if windows would not overlap.
    """
    n, count = len(mix), len(pictures)
    if not count:
        raise UserError("the film has 0 pictures, so that nothing says where its sounds are; give a film with pictures")
    if n < WINDOW:
        mix = padded_to(np.asarray(mix), WINDOW)
        truth = None if truth is None else np.stack([padded_to(ear, WINDOW) for ear in truth])
    starts = window_starts(len(mix), WINDOW, WINDOW - hop)
    seen, joined, given = _Seen(upmixer, variables, pictures), OverlapMean(), 0
    for i in range(0, len(starts), upmixer.windows):
        group = starts[i : i + upmixer.windows]
        places = [frame_of(start, fps, count) for start in group]
        codes = seen.between(places[0], places[-1])
        # The last batch is filled up, so that no second program is compiled.
        filled = [*range(len(group)), *[len(group) - 1] * (upmixer.windows - len(group))]
        cut = np.stack([mix[group[k] : group[k] + WINDOW] for k in filled])
        told = np.stack([codes[places[k] - places[0]] for k in filled])
        made = upmixer.differences(variables, cut, told, _levels(truth, [group[k] for k in filled]))
        for start, window in zip(group, np.asarray(made), strict=False):
            joined.add(start, window)
        following = starts[i + len(group)] if i + len(group) < len(starts) else None
        piece = joined.take(following)[: n - given]
        given += len(piece)
        yield piece


def _levels(truth: np.ndarray | None, starts: list[int]) -> Float[Array, "b"] | None:
    if truth is None:
        return None
    return stereo_rms(jnp.stack([jnp.asarray(truth[:, start : start + WINDOW]) for start in starts]))
