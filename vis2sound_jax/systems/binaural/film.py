"""Makes the mono sound of a film binaural: `--job=binaural --video=FILM [--sound=WAV] --output=OUT.mp4`."""

from pathlib import Path
from typing import Any

import numpy as np
import soxr

from vis2sound_jax.audio.binaural import RATE_HZ, WINDOW
from vis2sound_jax.audio.downmix import mono_of
from vis2sound_jax.audio.files import read_channels, write_pcm_24
from vis2sound_jax.audio.full_band import full_band, split_exactly
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.upmix import predict_difference
from vis2sound_jax.run.outputs import check_apart, check_output, files_of
from vis2sound_jax.run.owned import MADE_BY, check_free
from vis2sound_jax.run.stages import check_before
from vis2sound_jax.run.staging import together
from vis2sound_jax.systems.binaural import build
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import mux_sounds
from vis2sound_jax.video.target import FILM_SUFFIXES, check_pictures

DELIVERED_HZ = 48_000
"""Rate of the sound that is written."""


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Makes what `config.request` asks for.

    Args:
      config: the settings.
      workdir: of a finished run.

    Returns:
      What was written.

    Raises:
      UserError: if a file cannot be used or written, or the run was begun with other settings.
    """
    asked = config.request
    if not asked.video:
        raise UserError("--job=binaural needs --video=FILM; --sound=WAV gives it another sound than its own")
    video, sound = Path(asked.video), Path(asked.sound or asked.video)
    output = Path(asked.output or f"{video.stem}_binaural.mp4")
    check_output(output, FILM_SUFFIXES)
    check_apart(output, [video, sound], takes=1)
    beside = output.with_suffix(".json")
    check_free(beside, [path.name for path in files_of(output, 1)], overwrite=asked.overwrite)
    if asked.hop * RATE_HZ >= WINDOW:
        raise UserError(f"--hop={asked.hop}: windows of {WINDOW / RATE_HZ} s must overlap; choose a smaller one")
    check_before(config, workdir)
    channels = read_channels(sound, DELIVERED_HZ)
    mono = mono_of(channels)
    notes = _notes(channels.shape[1], len(mono))
    facts = {"made_by": MADE_BY, "system": config.system, "config": config.name, "video": video.name, "notes": notes}
    with Film.open(video) as film, together(beside, facts, overwrite=asked.overwrite) as folder:
        if film.media is not None:
            check_pictures(film.media, output)
        both = split_exactly(mono, _difference(config, workdir, film, mono, round(asked.hop * RATE_HZ)))
        made = folder / output.name
        write_pcm_24(made.with_suffix(".wav"), both, DELIVERED_HZ)
        mux_sounds(film, [(both / np.float32(1 << 23)).astype(np.float32)], DELIVERED_HZ, [made])
    return {
        "film": str(output),
        "sound": str(output.with_suffix(".wav")),
        "seconds": len(mono) / DELIVERED_HZ,
        **({"note": "; ".join(notes)} if notes else {}),
    }


def _notes(channels: int, samples: int) -> list[str]:
    """What was done with a sound that is not as it should be."""
    found = []
    if channels > 1:
        found.append(f"the sound had {channels} channels, which were mixed down to one")
    if samples * RATE_HZ < WINDOW * DELIVERED_HZ:
        found.append(
            f"the sound is shorter than a window of {WINDOW / RATE_HZ} s and was continued by its mirror image"
        )
    return found


def _difference(config: Any, workdir: Path, film: Film, mono: np.ndarray, hop: int) -> np.ndarray:
    """Left minus right at the rate of the mono sound, which is their sum."""
    upmixer, variables = build.trained(config, workdir)
    data = config.data
    pictures = film.pictures(data.fps, data.height, data.width)
    low = np.asarray(soxr.resample(mono, DELIVERED_HZ, RATE_HZ, quality="VHQ"), np.float32)
    pieces = []
    with Progress(len(low), "binaural", unit="sample") as progress:
        for piece in predict_difference(upmixer, variables, low, pictures, data.fps, hop=hop):
            pieces.append(piece)
            progress.reach(sum(map(len, pieces)), len(low))
    return np.concatenate(list(full_band(mono, np.concatenate(pieces), DELIVERED_HZ)))
