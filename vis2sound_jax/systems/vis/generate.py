"""Makes films with sound: of the user's film, or, as a stage, of held-out recordings, and a listening study."""

from pathlib import Path
from typing import Any

from vis2sound_jax.listening.study import build_study
from vis2sound_jax.run.delivery import delivery_of
from vis2sound_jax.run.made_films import clear_films, note_films
from vis2sound_jax.run.recordings import data_name
from vis2sound_jax.run.requested_film import asks_for_film, make_film, output_of, summary_of
from vis2sound_jax.run.stages import check_before
from vis2sound_jax.run.steps import Request
from vis2sound_jax.systems.vis.chain import load
from vis2sound_jax.systems.vis.held_out_films import study_items, write_films

_FILES = {"video": "FILM", "output": "FILM.mp4"}
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
    wanted = asks_for_film(asked, _FILES)
    check_before(config, workdir)
    if wanted:
        request = Request(seed=asked.seed, options={"synthesis": asked.synthesis})
        foley, video, output = load(workdir, config), Path(asked.video), output_of(asked)
        made = make_film(foley, video, request, output, delivery_of(asked), overwrite=asked.overwrite)
        return summary_of(made, output)
    target = workdir / "generate"
    if "detection" in config.stages:
        clear_films(target)
        written = write_films(config, workdir, target, config.generate.films)
        note_films(target, [path.name for path in written])
        return {"films": len(written), "folder": str(target), "data": data_name(config)}
    items = study_items(config, workdir, target, config.generate.films)
    done = {"impacts": len(items), "folder": str(target), "data": data_name(config)}
    if len(items) > _PRACTICE:
        build_study(items, target / "listening_study.html", config.seed, practice=_PRACTICE)
        done["listening_study"] = str(target / "listening_study.html")
    return done
