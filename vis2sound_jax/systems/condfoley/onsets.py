"""Writes the events that the video encoder sees in a film as a table."""

from pathlib import Path
from typing import Any

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.outputs import check_output
from vis2sound_jax.run.owned import MADE_BY, check_free, hidden_manifest
from vis2sound_jax.run.staging import together
from vis2sound_jax.systems.condfoley import chain
from vis2sound_jax.whole import write_whole

_COLUMNS = ("time_s", "confidence", "kind", "force_db", "x", "y")
"""What is written of an event; empty where a run has no event reader."""


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Writes a line for each event in order of time: when it is, how sure, of which kind, how hard, and where.

    Args:
      config: `config.request.video`, `.output` (a .csv file) and `.overwrite`.
      workdir: of a finished run.

    Returns:
      The file and the number of events.

    Raises:
      UserError: if a file cannot be read or written, is not to be replaced, or the run is not finished.
    """
    video, output, overwrite = config.request.video, config.request.output, config.request.overwrite
    if not video or not output:
        raise UserError("--job=onsets needs --video=FILM and --output=EVENTS.csv")
    check_output(Path(output), (".csv",))
    # The table has no place for a manifest's keys, and one that was edited by hand is not to be lost.
    manifest = hidden_manifest(Path(output))
    check_free(manifest, (Path(output).name,), overwrite=overwrite)
    events = chain.load(workdir, config).onsets(video)
    rows = [",".join(_COLUMNS)]
    for event in events.listed():
        rows.append(",".join(str(event.get(name, "")) for name in _COLUMNS))
    with together(manifest, {"made_by": MADE_BY}, overwrite=overwrite) as new:
        write_whole(new / Path(output).name, "\n".join(rows) + "\n")
    return {"output": output, "events": len(events)}
