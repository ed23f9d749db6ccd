"""Writes the soundtracks of a film, and what was made from what: one set of keys for all systems."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.audio.levels import integrated_lufs, true_peak_db
from vis2sound_jax.run.delivery import PLAIN, Delivery, deliver
from vis2sound_jax.run.film_sound import write_with_sound
from vis2sound_jax.run.outputs import files_of, film_of, sha256
from vis2sound_jax.run.owned import MADE_BY, check_free
from vis2sound_jax.run.staging import together
from vis2sound_jax.run.steps import Request, Result
from vis2sound_jax.video.container import PathLike
from vis2sound_jax.video.film import Film


def manifest_of(result: Result, delivery: Delivery = PLAIN) -> dict[str, Any]:
    """Says what a result was made from, as a JSON object.

    Args:
      result: of any system.
      delivery: how its sound is handed over.

    Returns:
      `made_by`, `system`, `config`, `trained_on`, `steps` (updates of each network), `seed`, `video` and `example`
      (file and SHA-256; no example: null; the sound `track` that was read, from 1, and how its channels were mixed),
      `source_zero_s` (where in the source time zero of the sound lies), `joined_at_s` (where the parts of a joined
      transport stream begin), `rate_hz` (of the sound that is handed over), `channels`, `duration_s`,
      `delivery` (what was asked of the sound, and the rate at which it was made), `events` (time, confidence, and what
      else is known), `accepted` (whether any take keeps time; null where nothing tells), `takes` in order with their
      scores, and the system's own `notes`. `write_result` adds `files` (name → SHA-256 of every film and sound) and,
      where there are any, `earlier_files`: those that other requests for the same name left.
    """
    request = result.composed.request
    takes = [result.scores_of(int(take)) for take in result.order]
    return {
        "made_by": MADE_BY,
        **result.origin,
        "seed": request.seed,
        "video": _film(result.film, delivery),
        "example": _examples(request),
        "source_zero_s": round(result.film.facts.source_zero_s, 4),
        "joined_at_s": [round(begins_s, 4) for begins_s in result.film.facts.joined_at_s],
        "rate_hz": delivery.rate_hz,
        "channels": result.channels,
        "duration_s": round(result.film.duration_s, 4),
        "delivery": {"made_at_hz": result.rate_hz, **dataclasses.asdict(delivery)},
        "events": result.events.listed(),
        "accepted": None if result.accepted is None else bool(result.accepted.any()),
        "takes": takes,
        "notes": dict(result.composed.notes),
    }


def write_result(
    result: Result, output: PathLike, delivery: Delivery = PLAIN, *, overwrite: bool = False
) -> dict[str, Any]:
    """Writes every take as a film and a WAV file of 24 bits, the best first, and the manifest.

    All files come into their places together. An older result that nobody changed is replaced, and its further takes
    are removed; see `run.staging`.

    Args:
      result: of any system.
      output: the film of the best take; the others are `<stem>_take2` and so on, sounds and manifest stand beside them.
      delivery: how the sound is handed over.
      overwrite: whether files that this program did not write, or that were changed since, may be replaced.

    Returns:
      The manifest, with the names of the files, and the loudness (`lufs`) and true peak (`true_peak_db`) of each; null
      where there is too little sound to measure.

    Raises:
      UserError: if a file cannot be written or is not to be replaced, or the film's own sound is to be kept and there
        is none.
    """
    output, manifest = Path(output), manifest_of(result, delivery)
    beside = output.with_suffix(".json")
    check_free(beside, [path.name for path in files_of(output, len(result.order))], overwrite=overwrite)
    with together(beside, manifest, overwrite=overwrite) as folder:
        for place, (take, entry) in enumerate(zip(result.order, manifest["takes"], strict=True)):
            film = folder / film_of(output, place).name
            wav = deliver(result.wavs[take], result.rate_hz, result.film, delivery)
            write_wav(film.with_suffix(".wav"), wav, delivery.rate_hz)
            write_with_sound(result.film, wav, delivery, film)
            entry |= {"film": film.name, "sound": film.with_suffix(".wav").name, **_levels(wav, delivery.rate_hz)}
            manifest["channels"] = 1 if wav.ndim == 1 else wav.shape[1]
    return manifest


def _levels(wav: Float32[np.ndarray, "n *c"], rate_hz: int) -> dict[str, float | None]:
    """What a meter shows of a soundtrack, to a hundredth of a dB."""
    lufs, peak_db = integrated_lufs(wav, rate_hz), true_peak_db(wav, rate_hz)
    return {
        "lufs": None if lufs is None else round(lufs, 2),
        "true_peak_db": round(peak_db, 2) if math.isfinite(peak_db) else None,
    }


def _examples(request: Request) -> Any:
    """The example, a list of several, or null for none."""
    listed = [_source(example) for example in request.named()]
    return listed[0] if len(listed) == 1 else listed or None


def _film(film: Film, delivery: Delivery) -> dict[str, Any]:
    """The film; and its sound track where that is kept."""
    kept = delivery.keep_sound_db is not None and film.media is not None
    own = Example(film.name, film=film, media=film.media)
    return {**_source(film), **({"track": own.track} if kept else {})}


def _source(source: Film | Example | PathLike) -> dict[str, Any]:
    """Name and digest of a file, or the name alone of arrays."""
    if isinstance(source, Film | Example):
        path, name = source.path, source.name
    else:
        path, name = source, Path(source).name
    heard = {"track": source.track, "mix": source.said} if isinstance(source, Example) and source.path else {}
    return {"file": name, "sha256": None if path is None else sha256(Path(path)), **heard}
