"""Times the streams of examples beside what the steps of training need.

Run `python tests/benchmarks/loader_benchmark.py`. Recordings are procedural, sizes those of the presets `laptop` of
both systems and of `paper`. A row "from JPEG" decodes the frames of every example, as a training does whose films do
not fit into `config.training.decoded_gb`; what it costs to decode a film once stands below the table. A rate a core is
examples by seconds of processor time. What a step needs is its batch by its seconds: give the seconds that you measured
(`train/steps_per_s` in a run's metrics.jsonl) as `--step_s NAME=SECONDS`.
"""

import argparse
import functools
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from absl import flags as absl_flags

sys.path.insert(0, str(Path(__file__).parents[2]))
from configs import condfoley, vis
from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.mel import log_mel
from vis2sound_jax.data.decoded import grey_films
from vis2sound_jax.data.film_clips import HeardFilm, stream_example
from vis2sound_jax.data.film_pairs import FilmRecording, film_pair_example
from vis2sound_jax.data.impacts import STEPS, FilmNotes
from vis2sound_jax.data.pieces import mel_piece, onset_clip, sound_piece
from vis2sound_jax.data.pipeline import make_stream
from vis2sound_jax.data.targets import encoder_example, hear
from vis2sound_jax.data.tokens import TokenRecording, pair_example
from vis2sound_jax.prepare.dataset import prepare
from vis2sound_jax.prepare.sources import open_records
from vis2sound_jax.run.recordings import media_form
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.world.writer import write_world

# Seconds a step: the laptop's were measured on two CPU cores, the paper's are what an accelerator might take.
STEP_S = {
    "laptop encoder": 0.21,
    "laptop encoder, from JPEG": 0.21,
    "laptop streams": 0.22,
    "laptop streams, from JPEG": 0.22,
    "laptop transformer": 0.6,
    "paper encoder": 0.1,
    "paper codebook": 0.1,
    "paper transformer": 0.1,
    "paper vocoder": 0.1,
}


ITEMS = 1000


class Stream(NamedTuple):
    """What a stage of training draws from."""

    source: Sequence[Any]
    example: Callable[..., Any]
    batch: int


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recordings", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each stream is timed")
    parser.add_argument("--threads", type=int, help="of the loader; without it as many as training takes")
    parser.add_argument("--step_s", nargs="*", default=[], help=f"NAME=SECONDS, NAME of {', '.join(STEP_S)}")
    return parser.parse_args()


def records_of(config: Any, folder: Path, count: int) -> list[Any]:
    """Draws recordings and prepares them as the preset does."""
    form, films = media_form(config), folder / f"{config.name}_films"
    write_world(films, train=count, test=1, seconds=10.0, form=form, seed=0)
    prepare("greatest_hits", films, folder / config.name, form=form, progress=lambda done, total: None)
    return list(open_records(folder / config.name, "train"))


def tokens_of(config: Any, record: Any) -> TokenRecording:
    """Makes up the codes and features of a recording; cutting them takes as long whatever they are."""
    rng, rows, fps = np.random.default_rng(0), config.codebook.rows, record["fps"]
    column_s = config.codebook.frames * config.mel.hop / record["rate_hz"]
    frames, columns = len(record["frames"]), int(record["duration_s"] / column_s)
    return TokenRecording(
        id=record["id"],
        codes=rng.integers(config.codebook.codes, size=(rows, columns)).astype(np.int16),
        mel=rng.random((config.mel.n_mels, columns * config.codebook.frames)).astype(np.float16),
        features=rng.random((frames, config.encoder.width)).astype(np.float16),
        onset=rng.random(frames).astype(np.float16),
        fps=fps,
        column_s=column_s,
        event_s=record["event_time_s"].astype(float),
    )


def laptop_streams(config: Any, records: list[Any], films: list[Any]) -> dict[str, Stream]:
    """The streams of the laptop's networks; its codebook is no network."""
    encoder, transformer = config.encoder, config.transformer
    clip = functools.partial(
        encoder_example, frames=encoder.clip_frames, spread_s=encoder.onset_spread_s, bands=encoder.bands
    )
    pair = functools.partial(pair_example, columns=transformer.columns, book=build.book_size(config))
    tokens = [tokens_of(config, record) for record in records]
    heard = hear(records, bands=encoder.bands, sound=False)
    decoded = [one._replace(film=film) for one, film in zip(heard, films, strict=True)]
    return {
        "laptop encoder": Stream(decoded, clip, encoder.batch),
        "laptop encoder, from JPEG": Stream(heard, clip, encoder.batch),
        "laptop transformer": Stream(tokens, pair, transformer.batch),
    }


def vis_streams(config: Any, records: list[Any], films: list[Any]) -> dict[str, Stream]:
    """The streams of motion and colour of Visually Indicated Sounds, of made-up sounds."""
    section, rng = config.streams, np.random.default_rng(0)
    clip = functools.partial(
        stream_example, frames=section.clip_frames, every=section.every, spread_s=section.onset_spread_s
    )
    heard = []
    for record in records:
        notes = FilmNotes.of(record, (np.zeros(0), np.zeros(0)))
        sound = rng.random((notes.frames, STEPS * config.sound.components)).astype(np.float16)
        kinds = rng.integers(-1, section.timbres, notes.frames).astype(np.int32)
        heard.append(HeardFilm(record, notes, sound, kinds, np.asarray(notes.event_s)))
    decoded = [one._replace(film=film) for one, film in zip(heard, films, strict=True)]
    return {
        "laptop streams": Stream(decoded, clip, section.batch),
        "laptop streams, from JPEG": Stream(heard, clip, section.batch),
    }


def decoded_films(records: list[Any], folder: Path, name: str) -> tuple[list[Any], str]:
    """Decodes films as a training does, and says how long a frame took."""
    core = time.process_time()
    films = grey_films(records, folder, name, limit_bytes=1e12)
    frames = sum(len(record["frames"]) for record in records)
    return films, f"{name}: {1e6 * (time.process_time() - core) / frames:.0f} us of a core to decode and keep a frame"


def paper_streams(config: Any, records: list[Any]) -> dict[str, Stream]:
    """The streams of the paper's networks."""
    encoder, codebook, transformer, vocoder = config.encoder, config.codebook, config.transformer, config.vocoder
    spec = build.mel_spec(config)
    wavs = [decode_flac(record["audio"])[0] for record in records]
    mels = [np.asarray(log_mel(wav, spec), np.float16) for wav in wavs]
    films = [FilmRecording(tokens_of(config, record), record["frames"]) for record in records]
    clip = functools.partial(onset_clip, frames=encoder.clip_frames)
    piece = functools.partial(mel_piece, frames=transformer.columns * codebook.frames)
    pair = functools.partial(film_pair_example, columns=transformer.columns, frames=build.PREFIX_FRAMES)
    sound = functools.partial(sound_piece, frames=vocoder.frames, hop=spec.hop)
    return {
        "paper encoder": Stream(hear(records, bands=encoder.bands, sound=True), clip, encoder.batch),
        "paper codebook": Stream(mels, piece, codebook.batch),
        "paper transformer": Stream(films, pair, transformer.batch),
        "paper vocoder": Stream(list(zip(wavs, mels, strict=True)), sound, vocoder.batch),
    }


def rates(stream: Stream, seconds: float, threads: int | None) -> tuple[float, float]:
    """Draws batches for a while and returns examples a second, and examples a second and core."""
    # As many as a data set has: grain takes milliseconds to shuffle a place among a handful.
    source = [stream.source[number % len(stream.source)] for number in range(ITEMS)]
    batches = make_stream(source, stream.example, batch_size=stream.batch, seed=0, threads=threads)
    next(batches)
    count, wall, core = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        next(batches)
        count += stream.batch
    found = count / (time.perf_counter() - wall), count / (time.process_time() - core)
    batches.close()
    return found


def main() -> None:
    """Prints a line for each stream."""
    flags, absl = read_flags(), absl_flags.FLAGS
    absl.mark_as_parsed()  # grain reads absl's flags
    step_s = STEP_S | {name: float(value) for name, _, value in (given.partition("=") for given in flags.step_s)}
    with tempfile.TemporaryDirectory() as scratch:
        folder, notes = Path(scratch), []
        streams: dict[str, Stream] = {}
        for config, make in ((condfoley.get_config("laptop"), laptop_streams), (vis.get_config("laptop"), vis_streams)):
            records = records_of(config, folder, flags.recordings)
            films, note = decoded_films(records, folder, config.name)
            streams |= make(config, records, films)
            notes.append(note)
        paper = condfoley.get_config("paper")
        streams |= paper_streams(paper, records_of(paper, folder, flags.recordings))
    print(f"{'':26}{'examples/s':>12}{'a core':>10}{'step':>10}{'batch':>8}{'needed/s':>10}{'cores':>8}")
    for name, stream in streams.items():
        rate, core = rates(stream, flags.seconds, flags.threads)
        need = stream.batch / step_s[name]
        print(
            f"{name:26}{rate:12.1f}{core:10.1f}{step_s[name]:8.2f} s{stream.batch:8}{need:10.1f}{need / core:8.2f}",
            flush=True,
        )
    print("\n".join(notes))


if __name__ == "__main__":
    main()
