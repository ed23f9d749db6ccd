"""Makes films with sound: of the user's film, or, as a stage, of held-out recordings, and a listening study."""

from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax import __version__
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.listening.study import build_study
from vis2sound_jax.run.outputs import check_apart, check_output, sha256
from vis2sound_jax.run.recordings import data_name
from vis2sound_jax.run.stages import check_before
from vis2sound_jax.systems.vis.films import KINDS, FilmMaker
from vis2sound_jax.systems.vis.held_out_films import study_items, write_films
from vis2sound_jax.systems.vis.soundtrack import Soundtrack
from vis2sound_jax.video.mux import mux_sound
from vis2sound_jax.whole import write_json

_FILMS = (".mp4", ".mov", ".m4v", ".mkv")
_PRACTICE = 5


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Makes what `config.request` asks for; without a request, `config.generate.films` held-out films.

    Args:
      config: the settings.
      workdir: of a finished run.

    Returns:
      What was written.

    Raises:
      UserError: if a file cannot be used or written, the run has no detection model or was begun with other
        settings.
    """
    request = config.request
    if request.video or request.output:
        if not (request.video and request.output):
            raise UserError("--job=generate needs --video=FILM and --output=FILM.mp4")
        video, output = Path(request.video), Path(request.output)
        check_output(output, _FILMS)
        check_apart(output, (video,), takes=1)
        check_before(config, workdir)
        return _make(config, workdir, video, output)
    check_before(config, workdir)
    target = workdir / "generate"
    if "detection" in config.stages:
        written = write_films(config, workdir, target, config.generate.films)
        return {"films": len(written), "folder": str(target), "data": data_name(config)}
    items = study_items(config, workdir, target, config.generate.films)
    done = {"impacts": len(items), "folder": str(target), "data": data_name(config)}
    if len(items) > _PRACTICE:
        build_study(items, target / "listening_study.html", config.seed, practice=_PRACTICE)
        done["listening_study"] = str(target / "listening_study.html")
    return done


def _make(config: Any, workdir: Path, video: Path, output: Path) -> dict[str, Any]:
    kind = config.request.synthesis or config.synthesis.kind
    if kind not in KINDS:
        raise UserError(f"config.request.synthesis is {kind!r}; it must be one of {', '.join(KINDS)}")
    maker = FilmMaker(config, workdir)
    made = maker.for_video(video, kind=kind, seed=config.request.seed)
    sound = output.with_suffix(".wav")
    write_wav(sound, made.wav, maker.spec.rate_hz)
    mux_sound(video, made.wav, maker.spec.rate_hz, output)
    manifest = _manifest(config, maker, made, video, output, kind)
    write_json(output.with_suffix(".json"), manifest)
    return {"film": str(output), "manifest": str(output.with_suffix(".json")), "impacts": len(made.peak_s)}


def _manifest(config: Any, maker: FilmMaker, made: Soundtrack, video: Path, output: Path, kind: str) -> dict[str, Any]:
    """What was made from what; every pasted sound with its origin."""
    bank, impacts = maker.bank, []
    for number, (time, height) in enumerate(zip(made.peak_s, made.height, strict=True)):
        impact: dict[str, Any] = {"time_s": round(float(time), 4), "amplitude": round(float(height), 5)}
        if len(made.exemplars):
            k = int(made.exemplars[number])
            material = bank.labels["material"][k]
            impact["exemplar"] = {
                "recording": bank.ids[k],
                "time_s": round(float(bank.times_s[k]), 4),
                "material": material,
            }
        impacts.append(impact)
    return {
        "made_by": f"vis2sound_jax {__version__}",
        "config": config.name,
        "trained_on": data_name(config),
        "synthesis": kind,
        "seed": config.request.seed,
        "video": {"file": video.name, "sha256": sha256(video)},
        "rate_hz": maker.spec.rate_hz,
        "duration_s": round(len(made.wav) / maker.spec.rate_hz, 4),
        "peak": round(float(np.abs(made.wav).max(initial=0.0)), 4),
        "impacts": impacts,
        "sound": output.with_suffix(".wav").name,
    }
