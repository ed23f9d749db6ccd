"""Somebody's own ears: measured responses from a SOFA file (AES69), by the package `sofar` of the extra `binaural`."""

from dataclasses import dataclass
from os import PathLike

import numpy as np
import scipy.signal
from jaxtyping import Float, Float32

from vis2sound_jax.errors import UserError, file_error

_CONVENTION = "SimpleFreeFieldHRIR"
_STEP_S = 0.01  # how often the direction is looked up


@dataclass(frozen=True)
class MeasuredHead:
    """Responses of two ears to distant sources around them; azimuths as in `audio.head`.

    Attributes:
      azimuth_deg: of each measurement at the height of the ears, ascending within -180 to 180.
      responses: of the left and the right ear, from the same start.
      rate_hz: their sample rate.
    """

    azimuth_deg: Float[np.ndarray, "m"]
    responses: Float32[np.ndarray, "m 2 k"]
    rate_hz: int

    @classmethod
    def read(cls, path: str | PathLike[str], rate_hz: int) -> "MeasuredHead":
        """Reads a file.

        Args:
          path: of the SOFA file.
          rate_hz: rate to which responses are brought.

        Raises:
          UserError: if `sofar` is missing, if the file cannot be read, or if it holds something else than responses of
            a head to distant sources.
        """
        try:
            import sofar
        except ImportError as error:
            raise UserError(
                f"{path} is a SOFA file, and the package that reads them is missing; install it: "
                "pip install vis2sound_jax[binaural]"
            ) from error
        try:
            data = sofar.read_sofa(str(path), verify=False, verbose=False)
        except (OSError, ValueError, KeyError) as error:
            raise file_error(path, "cannot be read as SOFA", "give a SOFA file of head-related responses") from error
        if data.GLOBAL_SOFAConventions != _CONVENTION:
            problem = f"has the SOFA convention {data.GLOBAL_SOFAConventions}"
            raise file_error(path, problem, f"give a file of the convention {_CONVENTION}")
        return cls._of(np.asarray(data.SourcePosition), np.asarray(data.Data_IR), data.Data_SamplingRate, rate_hz)

    @classmethod
    def _of(cls, positions: np.ndarray, responses: np.ndarray, own_hz: object, rate_hz: int) -> "MeasuredHead":
        """Of what a file holds: azimuths count from the front to the left, elevations upwards."""
        own = round(float(np.ravel(np.asarray(own_hz))[0]))
        level = np.abs(positions[:, 1]) == np.abs(positions[:, 1]).min()
        azimuth_deg = -((positions[level, 0] + 180) % 360 - 180)
        _, first = np.unique(azimuth_deg, return_index=True)
        found = scipy.signal.resample_poly(responses[level][first], rate_hz, own, axis=-1) * (own / rate_hz)
        return cls(azimuth_deg[first], found.astype(np.float32), rate_hz)

    def hear(
        self, wav: Float[np.ndarray, "n"], azimuth_deg: Float[np.ndarray, "n"] | float, rate_hz: int
    ) -> Float32[np.ndarray, "2 n"]:
        """Renders a distant source; between two measured directions both are heard, each by its share.

        Args:
          wav: the source.
          azimuth_deg: where it is at each sample.
          rate_hz: sample rate, that of the responses.

        Returns:
          Left and right.

        Raises:
          UserError: if the rate is another one.
        """
        if rate_hz != self.rate_hz:
            raise UserError(
                f"the head was read for {self.rate_hz} Hz and the sound has {rate_hz}; read it for that rate"
            )
        track = (np.broadcast_to(np.asarray(azimuth_deg, np.float64), (len(wav),)) + 180) % 360 - 180
        step = round(_STEP_S * rate_hz)
        # Shares change slowly: they are worked out at steps, and drawn between them.
        places = np.arange(0, len(wav) + step, step)
        shares = self._shares(track[np.minimum(places, len(wav) - 1)])
        heard = np.zeros((2, len(wav)))
        for number in np.flatnonzero(shares.any(axis=0)):
            part = wav * np.interp(np.arange(len(wav)), places, shares[:, number])
            for ear in range(2):
                heard[ear] += scipy.signal.fftconvolve(part, self.responses[number, ear])[: len(wav)]
        return heard.astype(np.float32)

    def _shares(self, track: np.ndarray) -> Float[np.ndarray, "t m"]:
        """Share of each measurement at each moment, on a circle."""
        m = len(self.azimuth_deg)
        circle = np.append(self.azimuth_deg, self.azimuth_deg[0] + 360)
        wrapped = np.where(track < circle[0], track + 360, track)
        after = np.clip(np.searchsorted(circle, wrapped, side="right"), 1, m)
        width = np.maximum(circle[after] - circle[after - 1], 1e-9)
        share = np.clip((wrapped - circle[after - 1]) / width, 0, 1)
        found = np.zeros((len(track), m))
        np.add.at(found, (np.arange(len(track)), after - 1), 1 - share)
        np.add.at(found, (np.arange(len(track)), after % m), share)
        return found
