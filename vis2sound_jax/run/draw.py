"""Draws a silent film and a sound to try things on: nobody filmed or recorded them."""

from pathlib import Path
from typing import Any

from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.run.owned import MADE_BY, check_free
from vis2sound_jax.run.staging import together
from vis2sound_jax.video.mux import write_film
from vis2sound_jax.world.recording import Measures, render_recording

FILM, EXAMPLE = "film.mp4", "example.wav"
"""What is written."""
MANIFEST = "drawn.json"
"""Says what was drawn, and that these files may be drawn anew."""

_FILM = Measures(seconds=8.0, fps=25.0, height=270, width=480)
_EXAMPLE = Measures(seconds=6.0, fps=25.0, height=24, width=24)  # of which the sound alone is wanted


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Draws what `config.request.seed` says into the folder `config.request.output`.

    Film and example are recordings of the procedural world that no preset trains on, of different scenes.

    Args:
      config: the settings.
      workdir: not used.

    Returns:
      The files.

    Raises:
      UserError: if there is no place for them, or other files are in it.
    """
    asked = config.request
    if not asked.output:
        raise UserError("--job=draw needs --output=FOLDER")
    folder = Path(asked.output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise file_error(folder, f"cannot be used as a folder ({error.strerror})", "name another --output") from None
    check_free(folder / MANIFEST, (FILM, EXAMPLE), overwrite=asked.overwrite)
    facts = {"made_by": MADE_BY, "data": "procedural", "seed": asked.seed}
    with together(folder / MANIFEST, facts, overwrite=asked.overwrite) as new:
        film = render_recording(asked.seed, "test", 0, _FILM)
        write_film(new / FILM, film.frames, film.fps)
        example = render_recording(asked.seed, "test", 1, _EXAMPLE)
        write_wav(new / EXAMPLE, example.wav, example.rate_hz)
    return {"film": str(folder / FILM), "example": str(folder / EXAMPLE), "data": "procedural"}
