"""Writes the takes of a film, and the manifest of what was made from what."""

from pathlib import Path
from typing import Any

from vis2sound_jax import __version__
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.run.outputs import film_of, sha256
from vis2sound_jax.systems.condfoley.chain import Foley, Takes
from vis2sound_jax.video.files import mux_sound
from vis2sound_jax.whole import write_json


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
        film = film_of(output, place)
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
