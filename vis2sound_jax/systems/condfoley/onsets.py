"""Writes the events that the video encoder sees in a film as a list, in the form that its file has."""

from pathlib import Path
from typing import Any

from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.formats import form_to_write
from vis2sound_jax.run.outputs import check_output
from vis2sound_jax.run.owned import check_free, hidden_manifest
from vis2sound_jax.systems.condfoley import chain
from vis2sound_jax.systems.condfoley.edits import clock_of, list_of, write_list
from vis2sound_jax.video.film import Film


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Writes every event in order of time: when it is, how sure, of which kind, how hard, and where.

    Args:
      config: `config.request.video`, `.output`, `.format`, `.timecode` and `.overwrite`.
      workdir: of a finished run.

    Returns:
      The file and the number of events.

    Raises:
      UserError: if a file cannot be read or written, the film lacks the timecode that the form needs, or the run is
        not finished.
    """
    asked = config.request
    if not asked.video or not asked.output:
        raise UserError("--job=onsets needs --video=FILM and --output=EVENTS.csv")
    form = form_to_write(asked.output, asked.format)
    check_output(Path(asked.output), form.suffixes)
    check_free(hidden_manifest(Path(asked.output)), (Path(asked.output).name,), overwrite=asked.overwrite)
    with Film.open(Path(asked.video)) as film:
        clock = clock_of(film, asked.timecode)
        if form.timed:
            clock.timed(asked.output)
        foley = chain.load(workdir, config)
        events = foley.onsets(film)
        write_list(asked.output, list_of(events, clock, foley.rule), asked.format, overwrite=asked.overwrite)
    return {"output": asked.output, "events": len(events)}
