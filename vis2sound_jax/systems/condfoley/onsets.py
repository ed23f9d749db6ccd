"""Writes the events that the video encoder sees in a film as a table."""

from pathlib import Path
from typing import Any

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.outputs import check_output
from vis2sound_jax.systems.condfoley import chain
from vis2sound_jax.whole import write_whole


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Writes `time_s,confidence` lines, one for each event in order of time.

    Args:
      config: `config.request.video` and `config.request.output` (a .csv file).
      workdir: of a finished run.

    Returns:
      The file and the number of events.

    Raises:
      UserError: if a file cannot be read or written, or the run is not finished.
    """
    video, output = config.request.video, config.request.output
    if not video or not output:
        raise UserError("--job=onsets needs --video=FILM and --output=EVENTS.csv")
    check_output(Path(output), (".csv",))
    events = chain.load(workdir, config).onsets(video)
    lines = [f"{time:.4f},{value:.4f}" for time, value in zip(events.times_s, events.confidence, strict=True)]
    write_whole(output, "\n".join(["time_s,confidence", *lines]) + "\n")
    return {"output": output, "events": len(lines)}
