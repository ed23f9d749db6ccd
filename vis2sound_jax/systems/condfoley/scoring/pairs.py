"""Held-out test pairs and the soundtracks made for them by every row of the evaluation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.synthesis import GriffinLim
from vis2sound_jax.data.film_pairs import frames_at
from vis2sound_jax.data.known_events import KnownEvents, known_events
from vis2sound_jax.data.tokens import TokenRecording, clip_places, window_pair, window_start
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.run.steps import Events
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.systems.condfoley.chain import Foley
from vis2sound_jax.systems.condfoley.scoring.exemplar_rows import exemplar_rows
from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem, LabelledEvents
from vis2sound_jax.systems.condfoley.scoring.rows import (
    ABLATION_ROWS,
    CODES_ROW,
    TAKE_ROW,
    VOCODER_ROW,
    ablated,
    copied,
)
from vis2sound_jax.systems.condfoley.scoring.style import style_row
from vis2sound_jax.training.keys import named_key, named_seed

_BATCH = 16
_TRIES = 40


class Pair(NamedTuple):
    """Windows by recording and first column; the condition's recording, `source`, is None where it is the target's."""

    recording: int
    target: int
    condition: int
    source: int | None = None

    @property
    def example(self) -> int:
        """The recording of the condition."""
        return self.recording if self.source is None else self.source


def choose_pairs(
    tokens: Sequence[TokenRecording], records: Sequence[Record], columns: int, count: int, seed: int
) -> list[Pair]:
    """Draws test pairs: windows around events, condition and target apart and of one material if possible.

    Args:
      tokens: the recordings.
      records: the same recordings, for their events and labels.
      columns: length of a window.
      count: number of pairs, spread evenly over the recordings.
      seed: of the draw.

    Returns:
      The pairs; targets have at least one event.

    Raises:
      UserError: if no recording is long enough or has events.
    """
    rng = np.random.default_rng(seed)
    known = [known_events(record) for record in records]
    usable = [k for k, one in enumerate(tokens) if one.codes.shape[1] >= 2 * columns and len(known[k].time_s)]
    if not usable:
        raise UserError(
            f"no test recording has events and is at least {2 * columns} columns long; "
            "give longer recordings or lower config.transformer.columns"
        )
    pairs = []
    for number in range(count):
        k = usable[number % len(usable)]
        pairs.append(_draw_pair(k, tokens[k], known[k], columns, rng))
    return pairs


def _draw_pair(k: int, one: TokenRecording, known: KnownEvents, columns: int, rng: np.random.Generator) -> Pair:
    last = one.codes.shape[1] - columns
    best = (-1, 0, 0)
    for _ in range(_TRIES):
        target = window_start(known.time_s, columns, one.column_s, last, rng)
        condition = window_start(known.time_s, columns, one.column_s, last, rng)
        if abs(target - condition) < columns:
            continue
        here, there = (_labels(one, known, start, columns) for start in (target, condition))
        quality = (len(here) > 0) + (len(there) > 0) + bool(here) * (here[:1] == there[:1])
        best = max(best, (quality, target, condition), key=lambda found: found[0])
        if quality == 3:
            break
    if best[0] < 0:
        best = (0, 0, last)
    return Pair(k, best[1], best[2])


def _labels(one: TokenRecording, known: KnownEvents, start: int, columns: int) -> list[str]:
    return [known.material[k] for k in _inside(one, known, start, columns)]


def _inside(one: TokenRecording, known: KnownEvents, start: int, columns: int) -> np.ndarray:
    begin = start * one.column_s
    return np.flatnonzero((known.time_s >= begin) & (known.time_s < begin + columns * one.column_s))


class PairMaker:
    """Makes the sounds of every row for test pairs."""

    def __init__(
        self,
        foley: Foley,
        config: Any,
        tokens: Sequence[TokenRecording],
        records: Sequence[Record],
        ablations: Mapping[str, Foley] | None = None,
    ) -> None:
        """Keeps what all pairs share.

        Args:
          foley: the chain.
          config: the settings.
          tokens: the recordings as codes and features.
          records: the same recordings with sound and labels.
          ablations: by name, the chains with another transformer; see `rows.ablated_chains`.
        """
        self.foley, self.config, self.tokens, self.records = foley, config, tokens, records
        self.ablations = ablations or {}
        self._style = style_row(config)
        self._events = [foley.events_in(one) for one in tokens]
        self._known = [known_events(record) for record in records]
        self._wavs = [decode_flac(record["audio"])[0] for record in records]

    def examples(self, pairs: Sequence[Pair], ablation: str = "") -> dict[str, np.ndarray]:
        """Lays pairs out as a batch of `TransformerTask`, for the chain or for that of an ablation.

        Args:
          pairs: the test pairs.
          ablation: name of a chain with another transformer; empty for the main one.

        Returns:
          The batch.
        """
        chain = self.ablations.get(ablation, self.foley)
        rows = [
            window_pair(
                self.tokens[pair.recording],
                pair.target,
                self.tokens[pair.example],
                pair.condition,
                columns=self.config.transformer.columns,
                book=build.book_size(self.config),
                prefix_frames=build.prefix_frames(self.config),
            )
            for pair in pairs
        ]
        batch = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        if chain.clip_watcher is not None:
            for name in ("target", "condition"):
                batch[f"{name}_video"] = np.stack(
                    [self._look(chain, pair.recording, getattr(pair, name)) for pair in pairs]
                )
        return batch

    def _look(self, chain: Foley, k: int, start: int) -> np.ndarray:
        """Watches a window with the transformer's own video network."""
        record, fps = self.records[k], self.config.data.fps
        start_s = start * self.tokens[k].column_s
        places = clip_places(start_s, fps, len(record["frames"]), build.PREFIX_FRAMES)
        # Only what is shown is decoded; the clip begins with its first frame.
        return chain.clip_features(frames_at(record["frames"], places), 0.0)

    def items(self, pairs: Sequence[Pair], *, progress: Callable[[int, int], None] | None = None) -> list[FoleyItem]:
        """Makes all sounds.

        Args:
          pairs: at least two.
          progress: called with (done, total).

        Returns:
          One item a pair.
        """
        items: list[FoleyItem] = []
        sampled = self._sampled(pairs)
        for first in range(0, len(pairs), _BATCH):
            place = slice(first, first + _BATCH)
            part = {
                row: (chain, {name: value[place] for name, value in batch.items()})
                for row, (chain, batch) in sampled.items()
            }
            items += self._make(pairs[place], part, first)
            if progress:
                progress(len(items), len(pairs))
        return items

    def _sampled(self, pairs: Sequence[Pair]) -> dict[str, tuple[Foley, Mapping[str, Any]]]:
        """The chain of every row of a transformer, and what it is given."""
        batch = self.examples(pairs)
        changed = {TAKE_ROW: batch, **ablated(self.foley.composer, batch, self._shuffle(batch, pairs))}
        rows: dict[str, tuple[Foley, Mapping[str, Any]]] = {row: (self.foley, one) for row, one in changed.items()}
        for name, chain in self.ablations.items():
            own = self.examples(pairs, name)
            rows[ABLATION_ROWS[name]] = chain, chain.composer.hidden(own) if name == "no_condition" else own
        return rows

    def window_events(self, pair: Pair) -> Events:
        """Lists the events seen in the target window, in seconds from its start."""
        events, one = self._events[pair.recording], self.tokens[pair.recording]
        begin, length = pair.target * one.column_s, self.config.transformer.columns * one.column_s
        inside = events.chosen((events.times_s >= begin) & (events.times_s < begin + length))
        return replace(inside, times_s=inside.times_s - begin)

    def _shuffle(self, batch: dict[str, np.ndarray], pairs: Sequence[Pair]) -> dict[str, np.ndarray]:
        """Gives every pair the condition of a pair of another recording."""
        recordings = [pair.recording for pair in pairs]
        n = len(pairs)
        other = [next((k % n for k in range(i + 1, i + n) if recordings[k % n] != recordings[i]), i) for i in range(n)]
        names = ("condition", "condition_video", "style")
        return {**batch, **{name: batch[name][other] for name in names if name in batch}}

    def _make(
        self, pairs: Sequence[Pair], rows: Mapping[str, tuple[Foley, Mapping[str, Any]]], first: int
    ) -> list[FoleyItem]:
        takes = self.config.evaluate.takes
        sampled = {
            row: self._sample(chain, batch, takes if row == TAKE_ROW else 1, first)
            for row, (chain, batch) in rows.items()
        }
        frames = self.config.codebook.frames
        true = [self._cut(pair.recording, pair.target) for pair in pairs]
        codes = np.stack([grid for grid, _ in true])
        mels = np.stack([mel for _, mel in true])
        made = {name: self._sound(self.foley.mel(grids)) for name, grids in sampled.items()}
        made[CODES_ROW] = self._sound(self.foley.mel(codes))
        made[VOCODER_ROW] = self._sound(mels.astype(np.float32))
        if self._style:
            examples = np.stack([self._cut(pair.example, pair.condition)[1] for pair in pairs])
            made[self._style.name] = self._sound(self._style.pictures(mels, examples))
        items = []
        for i, pair in enumerate(pairs):
            one, record = self.tokens[pair.recording], self.records[pair.recording]
            wav = self._wav(pair.recording, pair.target, frames)
            example = self._wav(pair.example, pair.condition, frames)
            events, labelled = self.window_events(pair), self._events_of(pair.recording, pair.target)
            sounds: dict[str, Any] = {name: wavs[i] for name, wavs in made.items() if name != TAKE_ROW}
            sounds[TAKE_ROW] = list(made[TAKE_ROW][i * takes : (i + 1) * takes])
            sounds |= self._copied(example, events, labelled, len(wav), first + i)
            items.append(
                FoleyItem(
                    name=f"{first + i:03d}_{record['id']}",
                    recording=record["id"],
                    target=labelled,
                    condition=self._events_of(pair.example, pair.condition),
                    wav=wav,
                    condition_wav=example,
                    takes=sounds,
                    span_s=self._span(one, record, pair.target),
                    video_onsets=(events.times_s, events.confidence),
                )
            )
        return items

    def _copied(
        self, example: np.ndarray, events: Events, labelled: LabelledEvents, length: int, number: int
    ) -> dict[str, Any]:
        """The rows that copy the example: onset transfer and the exemplar engine."""
        config, foley = self.config, self.foley
        seen, seed = (events.times_s, events.confidence), named_seed(config.seed, "exemplar", str(number))
        transferred = copied(example, foley.rate_hz, seen, length, (config.seed, number))
        takes = config.evaluate.takes
        return transferred | exemplar_rows(
            example, foley.rate_hz, events, labelled, foley.rule, length, seed=seed, takes=takes
        )

    def _sample(self, chain: Foley, batch: Mapping[str, Any], takes: int, first: int) -> np.ndarray:
        known = np.zeros((len(batch["condition"]), 0), np.int32)
        inputs = {name: value for name, value in batch.items() if name != "target"}
        key = jax.random.fold_in(named_key(self.config.seed, "codes"), first)
        return np.asarray(chain.composer.window(chain.params["transformer"], inputs, known, key, takes=takes))

    def _sound(self, mel: np.ndarray) -> np.ndarray:
        vocoder = GriffinLim(self.foley.spec, self.config.evaluate.griffin_lim_iterations)
        return self.foley.vocode(mel, seed=self.config.seed, vocoder=vocoder)

    def _cut(self, k: int, start: int) -> tuple[np.ndarray, np.ndarray]:
        one, columns, frames = self.tokens[k], self.config.transformer.columns, self.config.codebook.frames
        return (
            one.codes_from(start, columns),
            one.mel[:, start * frames : (start + columns) * frames],
        )

    def _wav(self, k: int, start: int, frames: int) -> np.ndarray:
        step = frames * self.foley.spec.hop
        cut = self._wavs[k][start * step : (start + self.config.transformer.columns) * step]
        return np.pad(cut, (0, self.config.transformer.columns * step - len(cut)))

    def _events_of(self, k: int, start: int) -> LabelledEvents:
        one, known = self.tokens[k], self._known[k]
        inside = _inside(one, known, start, self.config.transformer.columns)
        return LabelledEvents(
            known.time_s[inside] - start * one.column_s,
            [known.material[k] for k in inside],
            [known.action[k] for k in inside],
            annotated=known.annotated,
        )

    def _span(self, one: TokenRecording, record: Record, start: int) -> tuple[float, float]:
        begin, length = start * one.column_s, self.config.transformer.columns * one.column_s
        low, high = (float(time_s) - begin for time_s in record["span_s"])
        return max(0.0, low), min(length, high)
