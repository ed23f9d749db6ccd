"""An example of what a film should sound like: a film with sound, a sound file, or arrays."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soxr
from jaxtyping import Float32

from vis2sound_jax.audio.downmix import at_most_stereo
from vis2sound_jax.audio.files import read_track
from vis2sound_jax.audio.tracks import read_blocks, read_window, track_of
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.system_files import shown
from vis2sound_jax.video.container import Media, PathLike
from vis2sound_jax.video.facts import FilmFacts, read_facts
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
        cls, wav: Float32[np.ndarray, "n *c"], rate_hz: int, name: str = "example", film: Film | None = None
    ) -> "Example":
        """Makes an example of arrays.

        Args:
          wav: waveform in [-1, 1], one channel, or left and right as columns.
          rate_hz: its sample rate in Hz.
          name: for messages and manifests.
          film: its pictures, from the same moment on.

        Returns:
          The example.
        """
        example = cls(name, film=film)
        example._wav, example._rate_hz = np.asarray(wav, np.float32), rate_hz
        return example

    @property
    def rate_hz(self) -> int:
        """Sample rate of the sound as it is kept, in Hz.

        Raises:
          UserError: if there is no sound.
        """
        return self._rate_hz if self._media is None else track_of(self._media, self._facts).rate_hz

    def read(self, rate_hz: int) -> Float32[np.ndarray, "n"]:
        """Reads the sound; of a film on the film's own clock.

        Args:
          rate_hz: wanted sample rate in Hz.

        Returns:
          Mean of the channels in [-1, 1].

        Raises:
          UserError: if there is no sound, or it breaks off.
        """
        if self._media is not None:
            return read_track(self._media, self._facts, rate_hz)
        mean = self._wav if self._wav.ndim == 1 else self._wav.mean(axis=1)
        return mean if rate_hz == self._rate_hz else soxr.resample(mean, self._rate_hz, rate_hz)

    def read_channels(
        self, rate_hz: int | None = None, *, start_s: float = 0.0, duration_s: float | None = None
    ) -> tuple[Float32[np.ndarray, "n c"], int]:
        """Reads the sound with its channels; of a film on the film's own clock.

        More than two channels are mixed to left and right: the front channels as they are, centre and surrounds at
        -3 dB, no low effects (`audio.downmix`).

        Args:
          rate_hz: wanted sample rate in Hz; None for the sound's own, whose samples then stay as they are.
          start_s: beginning of the window in seconds.
          duration_s: length of the window in seconds; by default up to the end.

        Returns:
          One channel, or left and right, in [-1, 1] (a mix may go beyond), and their rate in Hz. With `duration_s`
          exactly round(duration_s * rate) samples, silent where the sound has ended.

        Raises:
          UserError: if there is no sound, it breaks off or ends before `start_s`, its number of channels changes
            midway, or there are more than eight without places.
        """
        if self._media is None:
            return self._cut(rate_hz or self._rate_hz, start_s, duration_s), rate_hz or self._rate_hz
        track = track_of(self._media, self._facts)
        rate_hz = rate_hz or track.rate_hz
        wav = read_window(self._media, self._facts, rate_hz, start_s, duration_s, mixed=False)
        return at_most_stereo(wav, track.names), rate_hz

    def blocks(self, block_s: float) -> Iterator[Float32[np.ndarray, "n c"]]:
        """Reads the sound at its own rate with its channels, block by block, so that memory does not grow with it.

        Args:
          block_s: length of a block in seconds; the last one is shorter.

        Yields:
          One channel, or left and right, as `read_channels` gives them.

        Raises:
          UserError: as `read_channels`.
        """
        if self._media is None:
            wav, size = self._wav.reshape(len(self._wav), -1), round(block_s * self._rate_hz)
            yield from (wav[first : first + size] for first in range(0, len(wav), size))
            return
        names = track_of(self._media, self._facts).names
        for block in read_blocks(self._media, self._facts, block_s):
            yield at_most_stereo(block, names)

    @property
    def _facts(self) -> FilmFacts | None:
        return None if self.film is None else self.film.facts

    def _cut(self, rate_hz: int, start_s: float, duration_s: float | None) -> Float32[np.ndarray, "n c"]:
        """A window of arrays."""
        wav = self._wav.reshape(len(self._wav), -1)
        if rate_hz != self._rate_hz:
            wav = soxr.resample(wav, self._rate_hz, rate_hz)
        wav = wav[round(start_s * rate_hz) :]
        if duration_s is None:
            return wav
        length = round(duration_s * rate_hz)
        return np.pad(wav[:length], ((0, max(length - len(wav), 0)), (0, 0)))

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


SOUND_SUFFIXES = (
    *(".wav", ".flac", ".aif", ".aiff", ".caf", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".wma", ".w64"),
    *(".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi"),
)
"""Endings of the files that are taken out of a folder of examples."""
MOST_EXAMPLES = 400


def open_examples(sources: Sequence[Example | PathLike]) -> tuple[Example, ...]:
    """Opens several examples; of a folder all its sounds and films, in order of name.

    Args:
      sources: open examples, files and folders.

    Returns:
      The examples.

    Raises:
      UserError: if a file cannot be read, a folder holds no sounds, or there are more than 400.
    """
    places: list[Example | PathLike] = []
    for source in sources:
        if isinstance(source, Example) or not Path(source).is_dir():
            places.append(source)
            continue
        inside = [path for path in shown(Path(source).iterdir()) if path.suffix.lower() in SOUND_SUFFIXES]
        if not inside:
            raise file_error(source, "holds no sounds", "name a folder with sound files, or a file")
        places += inside
    if len(places) > MOST_EXAMPLES:
        problem = f"there are {len(places)} examples, more than {MOST_EXAMPLES}"
        raise UserError(f"--example: {problem}; name a smaller folder")
    return tuple(one if isinstance(one, Example) else Example.open(one) for one in places)
