"""An example of what a film should sound like: a film with sound, a sound file, or arrays."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soxr
from jaxtyping import Float32

from vis2sound_jax.audio.downmix import Heard, Mix, mono_of
from vis2sound_jax.audio.track_choice import choose_track
from vis2sound_jax.audio.tracks import Track, read_blocks, read_mixed, read_window, track_of
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.system_files import shown
from vis2sound_jax.video.container import Media, PathLike
from vis2sound_jax.video.facts import FilmFacts, read_facts
from vis2sound_jax.video.film import Film

_LISTEN_S = 10.0


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
        self._wav: np.ndarray = np.zeros(0, np.float32)
        self._rate_hz = 0
        self._mixes: tuple[Mix, Mix] | None = None
        self._said: dict[str, None] = {}
        self._track: Track | None = None

    @classmethod
    def open(cls, path: PathLike, track: int | None = None) -> "Example":
        """Opens a film with sound or a sound file.

        Args:
          path: the file.
          track: number of its sound track, from 1 in the file's order; None for the first that is not silent.

        Returns:
          The example, to be closed by `close` or a `with` block.

        Raises:
          UserError: if the file cannot be read, or has no such track.
        """
        media = Media(path)
        try:
            facts = read_facts(media)
            if track is not None:
                choose_track(media, track)
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
          wav: waveform in [-1, 1], one channel, or one per column; see `audio.downmix` for more than two.
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
        return self._rate_hz if self._media is None else self._track_of(self._media).rate_hz

    @property
    def track(self) -> int | None:
        """Number of the file's sound track that is read, from 1 in the file's order; None for arrays.

        Raises:
          UserError: if there is no sound.
        """
        return None if self._media is None else self._track_of(self._media).number

    @property
    def said(self) -> str | None:
        """How channels were mixed in what was read so far; None where all were taken as they are, or averaged."""
        return "; ".join(self._said) or None

    def read(self, rate_hz: int, *, start_s: float = 0.0, duration_s: float | None = None) -> Float32[np.ndarray, "n"]:
        """Reads the sound, mixed to one channel; of a film on the film's own clock.

        Args:
          rate_hz: wanted sample rate in Hz.
          start_s: beginning of the window in seconds.
          duration_s: length of the window in seconds; by default up to the end.

        Returns:
          Mean of the channels in [-1, 1], or what can be heard where they cancel (`audio.downmix`); fewer samples than
          `duration_s` asks for where the sound has ended.

        Raises:
          UserError: if there is no sound, it breaks off, or ends before `start_s`.
        """
        if self._media is not None:
            wav, mix = read_mixed(self._media, self._facts, rate_hz, start_s, duration_s, mixed=True)
            self._say(mix)
            return wav
        mean = mono_of(self._wav)
        mean = mean if rate_hz == self._rate_hz else soxr.resample(mean, self._rate_hz, rate_hz)
        end_s = None if duration_s is None else round((start_s + duration_s) * rate_hz)
        return mean[round(start_s * rate_hz) : end_s]

    def read_channels(
        self, rate_hz: int | None = None, *, start_s: float = 0.0, duration_s: float | None = None
    ) -> tuple[Float32[np.ndarray, "n c"], int]:
        """Reads the sound with its channels; of a film on the film's own clock.

        More than two channels are mixed to left and right: the front channels as they are, centre and surrounds at
        -3 dB, no low effects, all of it turned down where that is too loud (`audio.downmix`). How, is decided over the
        whole sound, whatever window of it is read.

        Args:
          rate_hz: wanted sample rate in Hz; None for the sound's own, whose samples then stay as they are.
          start_s: beginning of the window in seconds.
          duration_s: length of the window in seconds; by default up to the end.

        Returns:
          One channel, or left and right, in [-1, 1], and their rate in Hz. With `duration_s` exactly
          round(duration_s * rate) samples, silent where the sound has ended.

        Raises:
          UserError: if there is no sound, it breaks off or ends before `start_s`, or its number of channels changes
            midway.
        """
        if self._media is None:
            return self._cut(rate_hz or self._rate_hz, start_s, duration_s), rate_hz or self._rate_hz
        rate_hz = rate_hz or self.rate_hz
        mix = self._stereo()
        return mix.mixed(read_window(self._media, self._facts, rate_hz, start_s, duration_s, mixed=False)), rate_hz

    def blocks(self, block_s: float) -> Iterator[Float32[np.ndarray, "n c"]]:
        """Reads the sound at its own rate with its channels, block by block, so that memory does not grow with it.

        Args:
          block_s: length of a block in seconds; the last one is shorter.

        Yields:
          One channel, or left and right, as `read_channels` gives them.

        Raises:
          UserError: as `read_channels`.
        """
        mix = self._stereo()
        if self._media is None:
            wav, size = self._wav.reshape(len(self._wav), -1), round(block_s * self._rate_hz)
            yield from (mix.mixed(wav[first : first + size]) for first in range(0, len(wav), size))
            return
        for block in read_blocks(self._media, self._facts, block_s):
            yield mix.mixed(block)

    def mono_weights(self) -> Float32[np.ndarray, "c"] | None:
        """Says how what `blocks` gives becomes one channel, decided over the whole sound.

        Returns:
          Weights of left and right where their mean would cancel; None for the mean.

        Raises:
          UserError: as `read_channels`.
        """
        mono = self._listened()[1]
        self._say(mono)
        return None if mono.weights is None else mono.weights[:, 0]

    def _stereo(self) -> Mix:
        mix = self._listened()[0] if self._channels() > 2 else Mix()
        self._say(mix)
        return mix

    def _channels(self) -> int:
        return len(self._names())

    def _listened(self) -> tuple[Mix, Mix]:
        """How all channels become left and right, and how those become one; heard once, all through."""
        if self._mixes is None and self._channels() == 1:
            self._mixes = Mix(), Mix()
        if self._mixes is None:
            whole = Heard(self._names())
            for block in self._raw_blocks():
                whole.add(block)
            stereo = whole.stereo()
            pair = whole if stereo.weights is None else whole.through(stereo)
            self._mixes = stereo, pair.mono()
        return self._mixes

    def _names(self) -> tuple[str, ...]:
        if self._media is None:
            return ("NONE",) * (self._wav.shape[1] if self._wav.ndim == 2 else 1)
        return self._track_of(self._media).names

    def _track_of(self, media: Media) -> Track:
        if self._track is None:
            self._track = track_of(media, self._facts)
        return self._track

    def _raw_blocks(self) -> Iterator[Float32[np.ndarray, "n c"]]:
        if self._media is None:
            return iter([self._wav])
        return read_blocks(self._media, self._facts, _LISTEN_S)

    def _say(self, mix: Mix) -> None:
        if mix.said:
            self._said[mix.said] = None

    @property
    def _facts(self) -> FilmFacts | None:
        return None if self.film is None else self.film.facts

    def _cut(self, rate_hz: int, start_s: float, duration_s: float | None) -> Float32[np.ndarray, "n c"]:
        """A window of arrays."""
        wav = self._stereo().mixed(self._wav.reshape(len(self._wav), -1))
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


def open_examples(sources: Sequence[Example | PathLike], tracks: Sequence[int] = ()) -> tuple[Example, ...]:
    """Opens several examples; of a folder all its sounds and films, in order of name.

    Args:
      sources: open examples, files and folders.
      tracks: numbers of their sound tracks, one of all of them or one of each; empty for the first that is not silent.
        Examples that are open keep theirs.

    Returns:
      The examples.

    Raises:
      UserError: if a file cannot be read or has no such track, a folder holds no sounds, there are more than 400, or
        another number of tracks than of examples.
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
    if len(tracks) > 1 and len(tracks) != len(places):
        problem = f"{len(tracks)} sound tracks are named for {len(places)} examples"
        raise UserError(f"--example_track: {problem}; name one for each, or one for all of them")
    wanted: list[int | None] = [*tracks] * len(places) if len(tracks) == 1 else [*tracks] or [None] * len(places)
    pairs = zip(places, wanted, strict=True)
    return tuple(one if isinstance(one, Example) else Example.open(one, track) for one, track in pairs)
