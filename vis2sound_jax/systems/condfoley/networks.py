"""The networks of a run of Conditional Foley with their weights, and what each of them does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8
from ml_collections import ConfigDict

from vis2sound_jax.audio.mel import MelSpec, log_mel_of
from vis2sound_jax.audio.synthesis import Vocoder
from vis2sound_jax.data.tokens import TokenRecording, clip_places
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.coder import Coder
from vis2sound_jax.generation.compose import Composer
from vis2sound_jax.generation.offsets import offset_logits
from vis2sound_jax.generation.reading import read_curves, read_seen
from vis2sound_jax.generation.watch import ClipWatcher, Frames, Seen, Watcher, windows_of
from vis2sound_jax.models.event_reader import EventReader
from vis2sound_jax.models.sync import SyncNet
from vis2sound_jax.retrieval.likeness import hit_spectrum, likeness
from vis2sound_jax.retrieval.takes import Ranking, rank_takes
from vis2sound_jax.run.recordings import data_name
from vis2sound_jax.run.steps import Events
from vis2sound_jax.systems.condfoley import build, trained
from vis2sound_jax.systems.condfoley.engines import events_read
from vis2sound_jax.systems.condfoley.event_rule import EventRule
from vis2sound_jax.training.keys import named_key
from vis2sound_jax.video.film import Film, Look, Pictures
from vis2sound_jax.video.onsets import onsets_from_probability

RANKS = ("likeness", "agreement", "offset")


@dataclass(frozen=True)
class Networks:
    """What a run has trained; variants are new values by `dataclasses.replace`.

    Attributes:
      config: the settings.
      spec: of its log-mels.
      coder: its codebook.
      composer: its transformer with the rules of sampling.
      watcher: its video encoder; converted weights may come without one.
      clip_watcher: the transformer's own video network; None where it takes the encoder's features.
      vocoder: from log-mel to waveform.
      scorer: ranks takes; None in a run without one.
      params: weights by network: encoder, codebook, transformer, video, sync, events; loaded when they are asked for.
      steps: updates that each network made.
      reader: finds events in what the encoder saw; None in a run without one, whose encoder is taken at its word.
      rule: what counts as an event.
    """

    config: ConfigDict
    spec: MelSpec
    coder: Coder
    composer: Composer
    watcher: Watcher | None
    clip_watcher: ClipWatcher | None
    vocoder: Vocoder
    scorer: SyncNet | None
    params: Mapping[str, Any]
    steps: Mapping[str, int]
    reader: EventReader | None = None
    rule: EventRule = EventRule()

    @property
    def rate_hz(self) -> int:
        """Sample rate of all sounds."""
        return self.spec.rate_hz

    @property
    def trained_on(self) -> str:
        """What the data is called that its networks learned from."""
        return data_name(self.config)

    @property
    def column_s(self) -> float:
        """Length of a column of codes in seconds."""
        return self.config.codebook.frames * self.spec.hop / self.spec.rate_hz

    @property
    def window_s(self) -> float:
        """Length of the transformer's window in seconds."""
        return self.config.transformer.columns * self.column_s

    @property
    def grey(self) -> bool:
        """Whether its networks look at grey frames, or at coloured ones."""
        return self.watcher is not None and self.watcher.grey

    def likenesses(
        self, wavs: Sequence[Float32[np.ndarray, "n"]] | Float32[np.ndarray, "t n"], example: Float32[np.ndarray, "m"]
    ) -> Float[np.ndarray, "t"]:
        """Says how much the hits of each take sound like the example's.

        Args:
          wavs: the takes in [-1, 1].
          example: the window of the example that they imitate.

        Returns:
          What `retrieval.likeness` finds.
        """
        wanted = hit_spectrum(example, self.spec)
        return np.array([likeness(hit_spectrum(wav, self.spec), wanted) for wav in wavs])

    def ranking(
        self,
        logits: Float[np.ndarray, "n k"],
        step_s: float,
        agreements: Float[np.ndarray, "n"],
        likenesses: Float[np.ndarray, "n"],
    ) -> Ranking:
        """Orders takes as `config.decoding.rank` says; see `retrieval.takes.rank_takes`.

        Args:
          logits: evidence for offsets.
          step_s: time between classes in seconds.
          agreements: of each take with the onsets seen.
          likenesses: of each take to the example.

        Returns:
          The ranking.
        """
        decoding = self.config.decoding
        if decoding.rank not in RANKS:
            raise UserError(f"config.decoding.rank is {decoding.rank!r}; it must be one of {', '.join(RANKS)}")
        scores = {"likeness": agreements + likenesses, "agreement": agreements, "offset": None}[decoding.rank]
        return rank_takes(logits, step_s, decoding.tolerance_s, scores)

    def offsets(
        self,
        seen: Seen,
        wavs: Sequence[Float32[np.ndarray, "m"]] | Float32[np.ndarray, "n m"],
        *,
        first_frame_s: float = 0.0,
    ) -> tuple[Float32[np.ndarray, "n k"], float]:
        """Asks the run's scorer how late soundtracks of a film are.

        Args:
          seen: the film, as watched.
          wavs: its soundtracks in [-1, 1].
          first_frame_s: time in the soundtracks at which the first frame begins.

        Returns:
          Logits [n, k] of offsets and the seconds between them, as `retrieval.takes.rank_takes` takes them.

        Raises:
          UserError: if the run has no scorer.
        """
        if self.scorer is None:
            raise UserError("this run has no scorer; train one with --job=sync")
        fps, hop_s = self.config.data.fps, self.spec.hop / self.spec.rate_hz
        logits = offset_logits(
            self.scorer,
            self.params["sync"],
            seen,
            [log_mel_of(wav, self.spec) for wav in wavs],
            build.sync_frames(self.config),
            hop_s=hop_s,
            fps=fps,
            first_frame_s=first_frame_s,
        )
        return logits, 1.0 / fps

    def events_of(self, seen: Seen, duration_s: float = np.inf) -> Events:
        """Lists the events of a film that was watched already.

        Args:
          seen: what the encoder says of it.
          duration_s: length of the film; an onset between its last frame and its end is left out.

        Returns:
          Times and probabilities, and of each event what `engines.events_read` notes where the run has a reader.
        """
        fps = self.config.data.fps
        if self.reader is None:
            events = Events(*onsets_from_probability(seen.onset, fps))
        else:
            events = events_read(
                read_seen(self.reader, self.params["events"], seen),
                fps,
                self.rule,
                seen.maps,
                stops=self.config.events.stops,
            )
        # An onset may lie between a film's last frame and its end.
        return events.chosen(events.times_s < duration_s)

    def events_in(self, one: TokenRecording) -> Events:
        """Lists the events of a recording of the cache.

        Args:
          one: the recording as seen.

        Returns:
          As `events_of`, without places, on the recording's own clock.
        """
        if self.reader is None:
            return Events(*onsets_from_probability(one.onset, one.fps))
        reading = read_curves(self.reader, self.params["events"], one.features, one.onset, one.motion)
        return events_read(reading, one.fps, self.rule, stops=self.config.events.stops)

    def pictures(self, film: Film, *, start_s: float = 0.0, duration_s: float | None = None) -> Pictures:
        """Shows a film at the run's rate and size, as its networks want it.

        Args:
          film: the film.
          start_s: beginning of the window in seconds.
          duration_s: length of the window in seconds; by default up to the film's end.
        """
        data = self.config.data
        look: Look = "grey" if self.grey else "colour"
        return film.pictures(data.fps, data.height, data.width, look=look, start_s=start_s, duration_s=duration_s)

    def see(self, frames: Frames) -> Seen:
        """Runs the encoder over frames of the run's rate and size; without one, nothing is seen to sound."""
        if self.watcher is None:
            return Seen(np.zeros((len(frames), 0), np.float32), np.zeros(len(frames), np.float32))
        return self.watcher.watch(self.params["encoder"], frames)

    def clips(self, frames: Frames, starts: Sequence[int]) -> dict[int, Float32[np.ndarray, "p d"]]:
        """Watches the clips of windows with the transformer's own video network.

        Args:
          frames: of the film, in colour.
          starts: first columns of the windows, ascending.

        Returns:
          First column → features of the clip.
        """
        fps, last = self.config.data.fps, len(frames) - 1
        firsts = [min(round(start * self.column_s * fps), last) for start in starts]
        found = {}
        for start, (_, clip) in zip(starts, windows_of(frames, firsts, build.PREFIX_FRAMES), strict=True):
            held = np.pad(clip, ((0, build.PREFIX_FRAMES - len(clip)), (0, 0), (0, 0), (0, 0)), mode="edge")
            found[start] = self.clip_features(held, 0.0)
        return found

    def clip_features(self, frames: UInt8[np.ndarray, "t h w 3"], start_s: float) -> Float32[np.ndarray, "p d"]:
        """Watches the clip that begins at a time, with the transformer's own video network.

        Args:
          frames: of the film, in colour.
          start_s: second at which the clip begins.

        Returns:
          Features of the clip's frames.
        """
        assert self.clip_watcher is not None  # asked for only where there is one
        places = clip_places(start_s, self.config.data.fps, len(frames), build.PREFIX_FRAMES)
        return self.clip_watcher.watch(self.params["video"], frames[places])

    def recording(self, name: str, seen: Seen, columns: int) -> TokenRecording:
        """Describes a film without sound as the token rooms want it: its codes are all 0.

        Args:
          name: of the film.
          seen: what the encoder says of it.
          columns: of codes that it lasts.

        Returns:
          The recording, without a log-mel.
        """
        return TokenRecording(
            id=name,
            codes=np.zeros((self.config.codebook.rows, columns), np.int16),
            mel=np.zeros((self.spec.n_mels, 0), np.float16),
            features=seen.features,
            onset=seen.onset,
            fps=self.config.data.fps,
            column_s=self.column_s,
            event_s=np.zeros(0),
        )

    def vocode(
        self, mel: Float[np.ndarray, "b f t"], *, seed: int, vocoder: Vocoder | None = None
    ) -> Float32[np.ndarray, "b n"]:
        """Turns log-mels [b, f, t] in [0, 1] into waveforms [b, t * hop], by the run's own vocoder or another.

        Args:
          mel: log-mels in [0, 1].
          seed: of the phases.
          vocoder: to use instead of the run's own.

        Returns:
          Waveforms of n = t * hop samples in [-1, 1].
        """
        key = named_key(seed, "vocoder")
        return np.asarray((vocoder or self.vocoder)(jnp.asarray(mel, jnp.float32), key))

    def mel(self, grids: Int[np.ndarray, "b r k"]) -> Float32[np.ndarray, "b f t"]:
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


def load_networks(config: ConfigDict, workdir: Path) -> Networks:
    """Puts the newest weights of every stage of a workdir together.

    Args:
      config: the settings.
      workdir: of the run.

    Returns:
      The networks.

    Raises:
      UserError: if a stage was not trained.
    """
    spec, steps, net = build.mel_spec(config), trained.steps_of(workdir), build.video_net(config)
    # Converted weights may come without a network that finds onsets.
    sees = net is None or "encoder" in steps
    trained.check_trained(workdir, (*(("encoder",) if sees else ()), "codebook", "transformer"))
    # Runs of before there was a scorer go without, and so do weights without an encoder.
    scored, reads = sees and "sync" in steps, sees and "events" in steps
    return Networks(
        config=config,
        spec=spec,
        coder=Coder(build.codebook_net(config)),
        composer=build.composer(config),
        watcher=Watcher(build.encoder_net(config), mirrored=True) if sees else None,
        clip_watcher=None if net is None else ClipWatcher(net, config.compat),
        vocoder=trained.vocoder(config, spec, workdir),
        scorer=build.sync_net(config) if scored else None,
        params=trained.Weights(config, workdir),
        steps=steps,
        reader=build.reader_net(config) if reads else None,
        rule=EventRule.load(workdir / "events") if reads else EventRule(),
    )
