"""What notebooks, apps and jobs use: load a finished run, give it a film and an example, get takes."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from vis2sound_jax.audio.files import read_sound
from vis2sound_jax.audio.mel import levelled, log_mel
from vis2sound_jax.audio.moments import sound_at_frames
from vis2sound_jax.audio.onsets import onset_events
from vis2sound_jax.audio.synthesis import Vocoder
from vis2sound_jax.data.tokens import TokenRecording, clip_places, style_of, video_window
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.generation.coder import Coder
from vis2sound_jax.generation.compose import VideoFn
from vis2sound_jax.generation.offsets import offset_logits
from vis2sound_jax.generation.watch import ClipWatcher, Seen, Watcher
from vis2sound_jax.models.grid import tokens_from_grid
from vis2sound_jax.retrieval.takes import Ranking, agreement, rank_takes
from vis2sound_jax.run.workdir import settings_of
from vis2sound_jax.systems.condfoley import build, trained
from vis2sound_jax.training.keys import named_key
from vis2sound_jax.video.files import probe, read_frames
from vis2sound_jax.video.onsets import onsets_from_probability

Progress = Callable[[int, int], None]
Onsets = tuple[np.ndarray, np.ndarray]

_SILENT = 1e-4


@dataclass(frozen=True)
class Takes:
    """Soundtracks for one film.

    Attributes:
      wavs: [takes, n] float32 in [-1, 1], each as long as the film.
      rate_hz: their sample rate.
      agreement: [takes] agreement with the onsets seen, in [0, 1].
      onsets: (times in seconds, confidence) seen in the film.
      example_start_s: where in the example the condition window began.
      ranking: offset, confidence and order of the takes by the run's scorer; None where the run has none.
    """

    wavs: np.ndarray
    rate_hz: int
    agreement: np.ndarray
    onsets: Onsets
    example_start_s: float
    ranking: Ranking | None = None

    @property
    def order(self) -> np.ndarray:
        """Indices of the takes, the best first: as ranked, or by agreement where nothing ranks them."""
        return np.argsort(-self.agreement, kind="stable") if self.ranking is None else self.ranking.order

    @property
    def best(self) -> int:
        """Index of the first take of `order`."""
        return int(self.order[0])


class Foley:
    """A trained chain: video encoder, codebook, transformer, vocoder. Made by `load`."""

    def __init__(self, config: ConfigDict, workdir: Path) -> None:
        """Loads the newest weights of every stage of a workdir; see `load`."""
        self.config = config
        self.spec = build.mel_spec(config)
        self.coder = Coder(build.codebook_net(config))
        self.composer = build.composer(config)
        self.steps = trained.steps_of(workdir)
        self.params: dict[str, Any] = {}
        self.watcher: Watcher | None = None
        net = build.video_net(config)
        self.clip_watcher = None if net is None else ClipWatcher(net, config.compat)
        # Converted weights may come without a network that finds onsets.
        if net is None or "encoder" in self.steps:
            self.watcher = Watcher(build.encoder_net(config), mirrored=True)
            self.params["encoder"] = trained.encoder_variables(config, workdir)
        self.params["codebook"] = trained.codebook_params(workdir)
        self.params["transformer"], self.params["video"] = trained.transformer_params(config, workdir)
        self.vocoder = trained.vocoder(config, self.spec, workdir)
        # Runs of before there was a scorer go without, and so do weights without an encoder.
        self.scorer = build.sync_net(config) if self.watcher is not None and "sync" in self.steps else None
        if self.scorer is not None:
            self.params["sync"] = trained.scorer_params(workdir)
        recordings = str(config.data.recordings)
        self.trained_on = "procedural recordings" if recordings == "procedural" else recordings
        self.column_s = config.codebook.frames * self.spec.hop / self.spec.rate_hz
        self.window_s = config.transformer.columns * self.column_s

    @property
    def rate_hz(self) -> int:
        """Sample rate of all sounds."""
        return self.spec.rate_hz

    def onsets(self, video: str | os.PathLike[str]) -> Onsets:
        """Lists the events seen in a film.

        Args:
          video: a film of any length, size and frame rate.

        Returns:
          Times in seconds on the film's clock, ascending, and confidence in [0, 1].

        Raises:
          UserError: if the file is no film.
        """
        if self.watcher is None:
            raise UserError(
                f"the run {self.config.name} has no network that finds onsets; train its stage encoder, or convert "
                "one with --job=convert --kind=video_onset"
            )
        return self.onsets_in(self._frames(video))

    @property
    def grey(self) -> bool:
        """Whether its networks look at grey frames, or at coloured ones."""
        return self.watcher is not None and self.watcher.grey

    def onsets_in(self, frames: np.ndarray) -> Onsets:
        """Lists the events seen in frames of the run's rate and size, [t, h, w] or [t, h, w, 3] as `grey` says."""
        return self.onsets_seen(self._watch(frames))

    def onsets_seen(self, seen: Seen) -> Onsets:
        """Lists the events of a film that was watched already."""
        return onsets_from_probability(seen.onset, self.config.data.fps)

    def generate(
        self,
        video: str | os.PathLike[str],
        example: str | os.PathLike[str],
        *,
        takes: int = 4,
        seed: int = 0,
        start_s: float | None = None,
        progress: Progress | None = None,
    ) -> Takes:
        """Makes soundtracks for a silent film that sound like an example.

        Args:
          video: the film; its own sound, if any, is not heard.
          example: a film with sound, or a sound file.
          takes: number of soundtracks.
          seed: the same seed gives the same takes on the same machine.
          start_s: where in the example the condition window begins; None takes the most eventful place.
          progress: called with (columns done, columns).

        Returns:
          The takes.

        Raises:
          UserError: if a file cannot be used, is silent or shorter than a window.
        """
        if takes < 1:
            raise UserError(f"--takes is {takes}; at least 1 take is needed")
        info = probe(video)
        self._check_length(video, info.duration_s, "give a longer film")
        conditions, began_s = self._conditions(example, start_s)
        frames = self._frames(video)
        seen = self._watch(frames)
        columns = int(np.ceil(info.duration_s / self.column_s))
        grids = self.composer.film(
            self.params["transformer"],
            conditions,
            self._windows(frames, seen, columns),
            columns,
            named_key(seed, "codes"),
            takes=takes,
            progress=progress,
        )
        wavs = self._takes(grids, round(info.duration_s * self.rate_hz), seed)
        seen_onsets = self.onsets_seen(seen)
        scores = np.array([agreement(wav, self.rate_hz, seen_onsets) for wav in wavs])
        ranking = None if self.scorer is None else self.rank(*self.offsets(seen, wavs), scores)
        return Takes(wavs, self.rate_hz, scores, seen_onsets, began_s, ranking)

    def rank(self, logits: np.ndarray, step_s: float, agreements: np.ndarray) -> Ranking:
        """Orders takes as `config.decoding.rank` says; see `retrieval.takes.rank_takes`."""
        decoding = self.config.decoding
        if decoding.rank not in ("agreement", "offset"):
            raise UserError(f"config.decoding.rank is {decoding.rank!r}; it must be one of agreement, offset")
        return rank_takes(logits, step_s, decoding.tolerance_s, agreements if decoding.rank == "agreement" else None)

    def offsets(self, seen: Seen, wavs: np.ndarray, *, first_frame_s: float = 0.0) -> tuple[np.ndarray, float]:
        """Asks the run's scorer how late soundtracks of a film are.

        Args:
          seen: the film, as watched.
          wavs: [n, samples] its soundtracks in [-1, 1].
          first_frame_s: time in the soundtracks at which the first frame begins.

        Returns:
          Logits [n, k] of offsets and the seconds between them, as `retrieval.takes.rank_takes` takes them.

        Raises:
          UserError: if the run has no scorer.
        """
        if self.scorer is None:
            raise UserError("this run has no scorer; train one with --job=sync")
        fps, hop_s, frames = self.config.data.fps, self.spec.hop / self.spec.rate_hz, len(seen.onset)
        mels = [self._log_mel(wav) for wav in wavs]
        sounds = np.stack([sound_at_frames(mel, hop_s, fps, first_frame_s, frames) for mel in mels])
        window = build.sync_frames(self.config)
        return offset_logits(self.scorer, self.params["sync"], seen, sounds, window), 1.0 / fps

    def recording(self, name: str, seen: Seen, columns: int) -> TokenRecording:
        """Describes a film without sound as the token rooms want it: its codes are all 0."""
        rows, frames = self.config.codebook.rows, self.config.codebook.frames
        return TokenRecording(
            id=name,
            codes=np.zeros((rows, columns), np.int16),
            mel=np.zeros((self.spec.n_mels, columns * frames), np.float16),
            features=seen.features,
            onset=seen.onset,
            fps=self.config.data.fps,
            column_s=self.column_s,
            event_s=np.zeros(0),
        )

    def vocode(self, mel: np.ndarray, *, seed: int, vocoder: Vocoder | None = None) -> np.ndarray:
        """Turns log-mels [b, f, t] in [0, 1] into waveforms [b, t * hop], by the run's own vocoder or another."""
        key = named_key(seed, "vocoder")
        return np.asarray((vocoder or self.vocoder)(jnp.asarray(mel, jnp.float32), key))

    def mel(self, grids: np.ndarray) -> np.ndarray:
        """Decodes grids [b, r, k] window by window; overlapping halves are cross-faded.

        Returns:
          Log-mels [b, f, t] in [0, 1], t = k * frames of a column.
        """
        columns, frames = self.config.transformer.columns, self.config.codebook.frames
        total, half = grids.shape[2], columns // 2
        starts = [0, *range(half, total - half, half)] if total > columns else [0]
        padded = np.pad(grids, ((0, 0), (0, 0), (0, starts[-1] + columns - total)), mode="edge")
        out = np.zeros((len(grids), self.spec.n_mels, padded.shape[2] * frames), np.float32)
        for start in starts:
            cut = padded[:, :, start : start + columns]
            piece = np.asarray(self.coder.decode(self.params["codebook"], jnp.asarray(cut, jnp.int32)))
            fade = np.ones(piece.shape[-1], np.float32)
            if start:
                rise = half * frames
                fade[:rise] = (np.arange(rise) + 0.5) / rise
            place = slice(start * frames, (start + columns) * frames)
            out[:, :, place] = out[:, :, place] * (1 - fade) + piece * fade
        return out[:, :, : total * frames]

    def _takes(self, grids: np.ndarray, n: int, seed: int) -> np.ndarray:
        """Turns the takes of a film, grids [b, r, k], into waveforms [b, n]."""
        mel = self.mel(grids)
        # Silence to a length that other films share, since each length is compiled. One take after the other:
        # on a CPU that is no slower than all at once, takes less memory, and a take does not depend on the others.
        mel = np.pad(mel, ((0, 0), (0, 0), (0, roomy(mel.shape[2]) - mel.shape[2])))
        return np.stack([self.vocode(take[None], seed=seed)[0, :n] for take in mel])

    def clip_features(self, frames: np.ndarray, start_s: float) -> np.ndarray:
        """Watches the clip [t, h, w, 3] that begins at a time, with the transformer's own video network."""
        assert self.clip_watcher is not None  # asked for only where there is one
        places = clip_places(start_s, self.config.data.fps, len(frames), build.PREFIX_FRAMES)
        return self.clip_watcher.watch(self.params["video"], frames[places])

    def _frames(self, video: str | os.PathLike[str]) -> np.ndarray:
        data = self.config.data
        frames = read_frames(video, data.fps, data.height, data.width, grey=self.grey)
        if not len(frames):
            raise file_error(video, "the film has no pictures", "give a film that plays")
        return frames

    def _watch(self, frames: np.ndarray) -> Seen:
        """Runs the encoder; without one, nothing is seen to sound."""
        if self.watcher is None:
            return Seen(np.zeros((len(frames), 0), np.float32), np.zeros(len(frames), np.float32))
        return self.watcher.watch(self.params["encoder"], frames)

    def _windows(self, frames: np.ndarray, seen: Seen, columns: int) -> VideoFn:
        """Says what the transformer sees of a film in the window that begins at a column."""
        if self.clip_watcher is not None:
            return lambda start: self.clip_features(frames, start * self.column_s)
        film, prefix = self.recording("film", seen, columns), build.prefix_frames(self.config)
        return lambda start: video_window(film, start, self.config.transformer.columns, prefix)

    def _check_length(self, path: str | os.PathLike[str], duration_s: float, remedy: str) -> None:
        if duration_s < self.window_s:
            raise file_error(path, f"lasts {duration_s:.2f} s, less than one window of {self.window_s:.2f} s", remedy)

    def _conditions(
        self, example: str | os.PathLike[str], start_s: float | None
    ) -> tuple[list[Mapping[str, np.ndarray]], float]:
        """Cuts the windows that condition the film's windows, in turn, out of an example."""
        wav = read_sound(example, self.rate_hz)
        self._check_length(example, len(wav) / self.rate_hz, "give a longer example")
        if np.abs(wav).max() < _SILENT:
            raise file_error(example, "is silent", "give an example that can be heard")
        columns = int(len(wav) / self.rate_hz / self.column_s)
        last = columns - self.config.transformer.columns
        start = self._busiest(wav, last) if start_s is None else start_s / self.column_s
        if not 0 <= start <= last:
            raise UserError(
                f"--start is {start_s}, but {example} allows 0 to {last * self.column_s:.2f} s "
                f"for a window of {self.window_s:.2f} s"
            )
        start, half = round(start), self.config.transformer.columns // 2
        starts = [start]
        if self.config.decoding.slide_condition:
            starts = [*range(start, last + 1, half), *range(start % half, start, half)]
        mel, look = self._log_mel(levelled(wav, self.config.codebook.rms)), self._example_windows(example, columns)
        return [self._condition(mel, look, start) for start in starts], start * self.column_s

    def _condition(self, mel: np.ndarray, look: VideoFn, start: int) -> dict[str, np.ndarray]:
        columns, frames = self.config.transformer.columns, self.config.codebook.frames
        window = mel[:, start * frames : (start + columns) * frames]
        grid = self.coder.encode(self.params["codebook"], jnp.asarray(window[None]))
        condition = {
            "condition": np.asarray(tokens_from_grid(grid, build.book_size(self.config)))[0],
            "condition_video": look(start),
        }
        return condition if self.composer.prefix else condition | {"style": style_of(window)}

    def _log_mel(self, wav: np.ndarray) -> np.ndarray:
        """Computes the log-mel [f, t] of a whole sound, whose length is not compiled but one near it."""
        shown = np.pad(wav, (0, self.spec.n_fft // 2), mode="reflect")  # what the transform sees beyond the end
        padded = np.pad(shown, (0, roomy(len(shown)) - len(shown)))
        return np.asarray(log_mel(padded, self.spec))[:, : self.spec.frames_for(len(wav))]

    def _example_windows(self, example: str | os.PathLike[str], columns: int) -> VideoFn:
        try:
            probe(example)
        except UserError:
            # A bare sound; `read_sound` has shown that the file itself is good.
            return self._nothing_to_see()
        frames = self._frames(example)
        return self._windows(frames, self._watch(frames), columns)

    def _nothing_to_see(self) -> VideoFn:
        """The features of an example without pictures, which training shows by zeros."""
        width, columns = self.config.encoder.width, self.config.transformer.columns
        if self.clip_watcher is not None:
            return lambda start: np.zeros((build.PREFIX_FRAMES, width), np.float32)
        blank = self.recording("sound", Seen(np.zeros((1, width), np.float32), np.zeros(1, np.float32)), columns)
        return lambda start: video_window(blank, 0, columns, build.prefix_frames(self.config))

    def _busiest(self, wav: np.ndarray, last: int) -> int:
        """Finds the window with the most confident onsets, early rather than late."""
        times, confidence = onset_events(wav, self.rate_hz)
        starts = np.arange(last + 1) * self.column_s
        inside = (times >= starts[:, None] + self.column_s) & (times < starts[:, None] + self.window_s)
        return int(np.argmax((inside * confidence).sum(axis=1)))


def roomy(n: int) -> int:
    """Rounds a length up, by less than a quarter, to one of the four that each doubling has."""
    step = 1 << max(n.bit_length() - 3, 0)
    return -(-n // step) * step


def load(workdir: str | os.PathLike[str], config: ConfigDict | None = None) -> Foley:
    """Loads a finished run.

    The first film compiles for seconds. `main` keeps compiled programs in a folder for the next time; a program of
    your own does so if it sets JAX_COMPILATION_CACHE_DIR before jax is imported, or calls
    `jax.config.update("jax_compilation_cache_dir", FOLDER)`.

    Args:
      workdir: the folder that `python -m vis2sound_jax.main` wrote.
      config: settings to use instead of the run's own, for example of the decoding; what the weights depend
        on must be the same.

    Returns:
      The chain.

    Raises:
      UserError: if the folder holds no trained run, or the config is not the one of its weights.
    """
    settings = settings_of(Path(workdir))
    if config is not None:
        trained.check_same(Path(workdir), settings, config)
    return Foley(config or settings, Path(workdir))
