"""Writes the soundtracks of a film, and what was made from what: one set of keys for all systems."""

from pathlib import Path
from typing import Any

from vis2sound_jax import __version__
from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.run.outputs import film_of, sha256
from vis2sound_jax.run.steps import Result
from vis2sound_jax.video.container import PathLike
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import mux_sounds
from vis2sound_jax.whole import write_json


def manifest_of(result: Result) -> dict[str, Any]:
    """Says what a result was made from, as a JSON object.

    Args:
      result: of any system.

    Returns:
      `made_by`, `system`, `config`, `trained_on`, `steps` (updates of each network), `seed`, `video` and `example`
      (file and SHA-256; no example: null), `rate_hz`, `duration_s`, `events` (time, confidence, and what else is
      known), `accepted` (whether any take keeps time; null where nothing tells), `takes` in order with their scores,
      and the system's own `notes`.
    """
    request, duration_s = result.composed.request, result.wavs.shape[1] / result.rate_hz
    takes = [result.scores_of(int(take)) for take in result.order]
    return {
        "made_by": f"vis2sound_jax {__version__}",
        **result.origin,
        "seed": request.seed,
        "video": _source(result.film),
        "example": None if request.example is None else _source(request.example),
        "rate_hz": result.rate_hz,
        "duration_s": round(duration_s, 4),
        "events": result.events.listed(),
        "accepted": None if result.accepted is None else bool(result.accepted.any()),
        "takes": takes,
        "notes": dict(result.composed.notes),
    }


def write_result(result: Result, output: Path) -> dict[str, Any]:
    """Writes every take as a film and a WAV file, the best first, and the manifest.

    Args:
      result: of any system.
      output: the film of the best take; the others are `<stem>_take2` and so on, sounds and manifest stand beside them.

    Returns:
      The manifest, with the names of the files.

    Raises:
      UserError: if a file cannot be written.
    """
    manifest = manifest_of(result)
    films = [film_of(output, place) for place in range(len(result.order))]
    wavs = [result.wavs[take] for take in result.order]
    for film, wav, entry in zip(films, wavs, manifest["takes"], strict=True):
        sound = film.with_suffix(".wav")
        write_wav(sound, wav, result.rate_hz)
        entry |= {"film": film.name, "sound": sound.name}
    mux_sounds(result.film, wavs, result.rate_hz, films)
    write_json(output.with_suffix(".json"), manifest)
    return manifest


def _source(source: Film | Example | PathLike) -> dict[str, Any]:
    """Name and digest of a file, or the name alone of arrays."""
    if isinstance(source, Film | Example):
        path, name = source.path, source.name
    else:
        path, name = source, Path(source).name
    return {"file": name, "sha256": None if path is None else sha256(Path(path))}
