"""Where results of a request go: checked before the work, written whole."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vis2sound_jax import __version__
from vis2sound_jax.api import Foley, Takes
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.errors import file_error
from vis2sound_jax.video.files import mux_sound
from vis2sound_jax.whole import write_json

_BLOCK = 1 << 20


def check_output(path: Path, suffixes: Sequence[str]) -> None:
    """Refuses an output that could not be written, before hours of work.

    Raises:
      UserError: for a folder that is missing or locked, a folder in the file's place, or a wrong ending.
    """
    if path.suffix.lower() not in suffixes:
        raise file_error(
            path,
            f"has the ending {path.suffix or '(none)'}",
            f"name a file that ends in {' or '.join(suffixes)}",
        )
    folder = path.absolute().parent
    if not folder.is_dir():
        raise file_error(folder, "there is no such folder", "make it or name another --output")
    if path.is_dir():
        raise file_error(path, "is a folder", "name a file as --output")
    if not os.access(folder, os.W_OK):
        raise file_error(folder, "cannot be written to", "name another --output")


def check_apart(output: Path, inputs: Sequence[Path], *, takes: int) -> None:
    """Refuses an output that would replace what it is made from.

    Args:
      output: as `write_takes` takes it.
      inputs: the film and the example.
      takes: number of takes.

    Raises:
      UserError: if an input is one of the files to be written.
    """
    films = [_film_of(output, place) for place in range(takes)]
    written = [*films, *(film.with_suffix(".wav") for film in films), output.with_suffix(".json")]
    places = {path.resolve() for path in written}
    for path in inputs:
        if path.resolve() in places:
            raise file_error(path, "would be replaced by what is made from it", "name another --output")


def _film_of(output: Path, place: int) -> Path:
    return output if place == 0 else output.with_name(f"{output.stem}_take{place + 1}{output.suffix}")


def write_takes(takes: Takes, foley: Foley, *, video: Path, example: Path, output: Path, seed: int) -> dict[str, Any]:
    """Writes the best take as MP4 and WAV, further takes beside them, and a manifest.

    Args:
      takes: what `Foley.generate` returned.
      foley: what made them.
      video: the silent film.
      example: the example.
      output: the MP4; takes after the best are `<stem>_take2.mp4` and so on, in their order.
      seed: of the takes.

    Returns:
      The manifest.
    """
    files = []
    for place, take in enumerate(takes.order):
        film = _film_of(output, place)
        sound = film.with_suffix(".wav")
        write_wav(sound, takes.wavs[take], takes.rate_hz)
        mux_sound(video, takes.wavs[take], takes.rate_hz, film)
        files.append({"film": film.name, "sound": sound.name, **_scores(takes, int(take))})
    manifest = {
        "made_by": f"vis2sound_jax {__version__}",
        "config": foley.config.name,
        "trained_on": foley.trained_on,
        "steps": foley.steps,
        "seed": seed,
        "video": {"file": video.name, "sha256": sha256(video)},
        "example": {
            "file": example.name,
            "sha256": sha256(example),
            "start_s": round(takes.example_start_s, 4),
        },
        "rate_hz": takes.rate_hz,
        "duration_s": round(takes.wavs.shape[1] / takes.rate_hz, 4),
        "onsets": [
            {"time_s": round(float(time), 4), "confidence": round(float(value), 4)}
            for time, value in zip(*takes.onsets, strict=True)
        ],
        **({} if takes.ranking is None else {"accepted": bool(takes.ranking.accepted.any())}),
        "takes": files,
    }
    write_json(output.with_suffix(".json"), manifest)
    return manifest


def _scores(takes: Takes, take: int) -> dict[str, Any]:
    """What a take was ranked by, and its agreement with the onsets seen."""
    scores: dict[str, Any] = {"agreement": round(float(takes.agreement[take]), 4)}
    if takes.ranking is not None:
        scores["offset_s"] = round(float(takes.ranking.offset_s[take]), 4)
        scores["confidence"] = round(float(takes.ranking.confidence[take]), 4)
        scores["accepted"] = bool(takes.ranking.accepted[take])
    return scores


def sha256(path: Path) -> str:
    """Hashes a file, to tell later what a result was made from."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
