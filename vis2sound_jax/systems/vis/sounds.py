"""Listens to all recordings once: cochleagrams, amplitude peaks, and the principal components of what is heard."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax.audio.cochlear_pca import RootMoments, RootPCA, fit_root_pca
from vis2sound_jax.audio.erb import ErbSpec
from vis2sound_jax.audio.erb_fast import fast_cochleagram
from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.peaks import amplitude_peaks
from vis2sound_jax.data.impacts import STEPS, FilmNotes
from vis2sound_jax.data.known_events import with_known_events
from vis2sound_jax.data.rows import Rows, RowWriter, has_rows
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.prepare.sources import SPLITS, prepared_settings
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.vis.bank import bank_dir, build_bank
from vis2sound_jax.training.progress import track
from vis2sound_jax.whole import write_arrays

_PAD_S = 5.0
"""Recordings are extended with silence to a multiple of this, so that few lengths are compiled."""
_GAP_S = 0.3
"""Least silence behind a recording: the filterbank joins its end to its beginning."""
ONE_THREAD = {"xla_cpu_multi_thread_eigen": False}
"""For `jax.jit`: on several threads the last bits of a transform may differ from call to call."""


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Fills `workdir/sounds`: cochleagrams of every split; exemplars and `pca.npz` of the training split.

    Args:
      config: the settings; `config.sound` says how to listen.
      workdir: of a run whose recordings are prepared.

    Returns:
      How many recordings and exemplars, and the share of the variance that the components keep.
    """
    folder = sounds_dir(workdir)
    for split in SPLITS:
        if has_split(workdir, split) and not has_rows(folder, split):
            _listen(config, workdir, split, folder)
    rows = Rows(folder, "train")
    moments = RootMoments(rows.width)
    for recording in rows.recordings:
        moments.add(np.asarray(rows[recording], np.float32))
    pca, kept = fit_root_pca(moments, config.sound.components)
    records = open_split(config, prepared_dir(workdir), "train")
    bank = build_bank(records, *open_sounds(workdir, "train"), config.data.rate_hz)
    bank.save(bank_dir(workdir))
    write_arrays(folder / "pca.npz", pca._asdict())
    return {
        "sounds": str(folder),
        "recordings": len(rows),
        "exemplars": len(bank),
        "variance_kept": round(kept, 3),
    }


def sounds_dir(workdir: Path) -> Path:
    """Where a run keeps its cochleagrams."""
    return workdir / "sounds"


def has_split(workdir: Path, split: str) -> bool:
    """Tells whether any recordings of a split were prepared.

    Args:
      workdir: of the run.
      split: "train", "validation" or "test".
    """
    return split in prepared_settings(prepared_dir(workdir))["splits"]


def open_sounds(workdir: Path, split: str) -> tuple[Rows, list[FilmNotes]]:
    """Opens the cochleagrams of a split, [t, c] for each recording, and the notes on its films.

    Args:
      workdir: of the run.
      split: "train", "validation" or "test".

    Returns:
      The rows and the notes, in the same order.
    """
    rows = Rows(sounds_dir(workdir), split)
    return rows, [FilmNotes(**rows.notes[recording]) for recording in rows.recordings]


def open_pca(workdir: Path) -> RootPCA:
    """Reads the principal components of a run.

    Raises:
      UserError: if they are not there.
    """
    path = sounds_dir(workdir) / "pca.npz"
    try:
        with np.load(path) as arrays:
            return RootPCA(arrays["mean"], arrays["basis"])
    except FileNotFoundError:
        raise file_error(path, "this part of the run is not there", "run --job=sounds first") from None


def erb_spec(config: Any) -> ErbSpec:
    """Reads `config.sound`; the envelopes have exactly three steps a frame of film."""
    sound = config.sound
    steps_hz = Fraction(STEPS * config.data.fps).limit_denominator(1001)
    if config.data.rate_hz / 2 < sound.high_hz:
        raise UserError(
            f"config.sound.high_hz is {sound.high_hz:g}, but sound of {config.data.rate_hz} Hz ends at "
            f"{config.data.rate_hz / 2:g} Hz; lower it or raise config.data.rate_hz"
        )
    return ErbSpec(
        rate_hz=config.data.rate_hz,
        bands=sound.bands,
        low_hz=sound.low_hz,
        high_hz=sound.high_hz,
        envelope_hz=steps_hz,
        power=sound.power,
        compress_first=sound.compress_first,
    )


def hear_rows(wav: Float[np.ndarray, "n"], spec: ErbSpec, steps: int) -> Float32[np.ndarray, "steps c"]:
    """Computes the cochleagram of a whole recording as rows.

    Args:
      wav: the sound.
      spec: how to listen.
      steps: rows wanted; silence follows the sound.

    Returns:
      [steps, c].
    """
    needed_s = max(steps / float(spec.envelope_hz), len(wav) / spec.rate_hz) + _GAP_S
    samples = round(math.ceil(needed_s / _PAD_S) * _PAD_S * spec.rate_hz)
    padded = np.pad(wav, (0, samples - len(wav)))
    return np.asarray(_hear(jnp.asarray(padded, jnp.float32), spec)).T[:steps]


_hear = jax.jit(fast_cochleagram, static_argnums=1, compiler_options=ONE_THREAD)


def _listen(config: Any, workdir: Path, split: str, folder: Path) -> None:
    spec = erb_spec(config)
    records = open_split(config, prepared_dir(workdir), split)
    with RowWriter(folder, split) as writer:
        for k in track(range(len(records)), f"cochleagrams, {split}", unit="recording"):
            # Of a recording that nobody annotated, what can be heard stands for its impacts.
            record: Record = with_known_events(records[k])
            wav, rate_hz = decode_flac(record["audio"])
            rows = hear_rows(wav, spec, STEPS * len(record["frames"]))
            notes = FilmNotes.of(record, amplitude_peaks(wav, rate_hz))
            writer.add(record["id"], rows, notes.as_dict())
