"""An example of what a film should sound like: a film with sound, a sound file, or arrays."""

from pathlib import Path

import numpy as np
import soxr
from jaxtyping import Float32

from vis2sound_jax.audio.files import read_track
from vis2sound_jax.video.container import Media, PathLike
from vis2sound_jax.video.facts import read_facts
from vis2sound_jax.video.film import Film


class Example:
    """A sound, and the film it belongs to if there is one.

    Attributes:
      name: of the file, or what the maker of the example calls it.
      path: the file; None for arrays.
      film: its pictures; None for a bare sound.
    """

    def __init__(self, name: str, *, film: Film | None = None, media: Media | None = None) -> None:
        """Takes the parts; `open` and `of_wav` find them."""
        self.name, self.film, self._media = name, film, media
        self.path = None if media is None else media.path
        self._wav, self._rate_hz = np.zeros(0, np.float32), 0

    @classmethod
    def open(cls, path: PathLike) -> "Example":
        """Opens a film with sound or a sound file.

        Args:
          path: the file.

        Returns:
          The example, to be closed by `close` or a `with` block.

        Raises:
          UserError: if the file cannot be read.
        """
        media = Media(path)
        try:
            facts = read_facts(media)
        except BaseException:
            media.close()
            raise
        name = Path(path).name
        return cls(name, film=None if facts is None else Film(name, facts, media), media=media)

    @classmethod
    def of_wav(
        cls, wav: Float32[np.ndarray, "n"], rate_hz: int, name: str = "example", film: Film | None = None
    ) -> "Example":
        """Makes an example of arrays.

        Args:
          wav: waveform in [-1, 1].
          rate_hz: its sample rate in Hz.
          name: for messages and manifests.
          film: its pictures, from the same moment on.

        Returns:
          The example.
        """
        example = cls(name, film=film)
        example._wav, example._rate_hz = np.asarray(wav, np.float32), rate_hz
        return example

    def read(self, rate_hz: int) -> Float32[np.ndarray, "n"]:
        """Reads the sound; of a film on the film's own clock.

        Args:
          rate_hz: wanted sample rate in Hz.

        Returns:
          Mean of the channels in [-1, 1].

        Raises:
          UserError: if there is no sound, or it breaks off.
        """
        if self._media is None:
            return self._wav if rate_hz == self._rate_hz else soxr.resample(self._wav, self._rate_hz, rate_hz)
        return read_track(self._media, None if self.film is None else self.film.facts, rate_hz)

    def close(self) -> None:
        """Closes the file, if there is one."""
        if self._media is not None:
            self._media.close()

    def __enter__(self) -> "Example":
        """Returns itself, to be closed at the end of a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the file."""
        self.close()
