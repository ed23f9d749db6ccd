"""Makes films with sound: of the user's film, or, as a stage, of held-out recordings, and a listening study."""

from pathlib import Path
from typing import Any

from vis2sound_jax.errors import UserError
from vis2sound_jax.listening.study import build_study
from vis2sound_jax.run.manifest import write_result
from vis2sound_jax.run.outputs import check_apart, check_output
from vis2sound_jax.run.recordings import data_name
from vis2sound_jax.run.stages import check_before
from vis2sound_jax.run.steps import Request
from vis2sound_jax.systems.vis.chain import load
from vis2sound_jax.systems.vis.held_out_films import study_items, write_films
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import FILM_SUFFIXES

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
    asked = config.request
    if asked.video or asked.output:
        if not (asked.video and asked.output):
            raise UserError("--job=generate needs --video=FILM and --output=FILM.mp4")
        video, output = Path(asked.video), Path(asked.output)
        check_output(output, FILM_SUFFIXES)
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
    foley = load(workdir, config)
    with Film.open(video) as film:
        result = foley.generate(film, Request(seed=config.request.seed, synthesis=config.request.synthesis))
        manifest = write_result(result, output)
    return {
        "film": str(output),
        "manifest": str(output.with_suffix(".json")),
        "events": len(manifest["events"]),
    }
