"""A listening study of Conditional Foley: the real sound beside those of each engine and of onset transfer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.errors import UserError
from vis2sound_jax.listening.study import PRACTICE, StudyItem, build_study
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.run.delivery import PLAIN, deliver
from vis2sound_jax.run.film_sound import write_with_sound
from vis2sound_jax.run.owned import MADE_BY, check_free
from vis2sound_jax.run.recordings import data_name, open_split
from vis2sound_jax.run.staging import together
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.condfoley import chain
from vis2sound_jax.systems.condfoley.scoring.exemplar_rows import EXEMPLAR_ROW
from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem, LabelledEvents, as_list
from vis2sound_jax.systems.condfoley.scoring.pairs import Pair, PairMaker, choose_pairs
from vis2sound_jax.systems.condfoley.scoring.ranked import add_best
from vis2sound_jax.systems.condfoley.scoring.rows import BEST_ROW, TRANSFER_ROW
from vis2sound_jax.systems.condfoley.token_cache import token_recordings
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.video.files import decode_jpeg
from vis2sound_jax.video.film import Film

_PAGE, _MANIFEST = "study.html", "study.json"
_SMALL, _LARGER = 200, 3  # pictures of fewer rows are shown so many times as large


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Writes a page on which people say which of two sounds is real, one window of every test recording.

    Args:
      config: `config.request.output`, a folder to write, `.recordings` and `.overwrite`.
      workdir: of a finished run.

    Returns:
      The page and how many windows are in it.

    Raises:
      UserError: if there is no folder named or it holds films of others, or there are too few test recordings.
    """
    request = config.request
    if not request.output:
        raise UserError("--job=study needs --output=FOLDER")
    folder = Path(request.output)
    if not folder.absolute().parent.is_dir() or folder.is_file():
        raise UserError(f"--output={folder}: name a new folder in one that is there")
    # Which films there will be is known late; a folder with films of others is no place for a study.
    there = [path.name for kind in ("*.mp4", "*.html") for path in folder.glob(kind)]
    check_free(folder / _MANIFEST, there, overwrite=request.overwrite)
    records = list(open_split(config, prepared_dir(workdir), "test"))
    tokens = token_recordings(config, workdir, "test")
    count = min(request.recordings, len(tokens))
    # One window of each recording: a person must not meet a recording twice.
    pairs = choose_pairs(tokens, records, config.transformer.columns, count, config.seed)
    foley = chain.load(workdir, config)
    maker = PairMaker(foley, config, tokens, records)
    with Progress(len(pairs), "takes", unit="pair") as progress:
        items = maker.items(pairs, progress=progress.reach)
    items, _ = add_best(foley, tokens, pairs, items, config.evaluate.takes)
    folder.mkdir(exist_ok=True)
    data = data_name(config)
    facts = {"made_by": MADE_BY, "data": data, "windows": len(items)}
    with together(folder / _MANIFEST, facts, overwrite=request.overwrite) as new:
        written = [_written(foley, maker, records, *one, config, new) for one in zip(pairs, items, strict=True)]
        build_study(written, new / _PAGE, config.seed, practice=min(PRACTICE, len(written) - 1))
    return {"page": str(folder / _PAGE), "windows": len(written), "data": data}


def _written(
    foley: chain.Foley,
    maker: PairMaker,
    records: Sequence[Record],
    pair: Pair,
    item: FoleyItem,
    config: Any,
    folder: Path,
) -> StudyItem:
    """Writes the films of one window."""
    record = records[pair.recording]
    start_s = pair.target * maker.tokens[pair.recording].column_s
    frames = _window(record, start_s, foley.window_s)
    sounds = {
        "real": item.wav,
        "exemplar": as_list(item.takes[EXEMPLAR_ROW])[0],
        "codes": as_list(item.takes[BEST_ROW.format(config.evaluate.takes)])[0],
        "onset transfer": as_list(item.takes[TRANSFER_ROW])[0],
    }
    films = {}
    for name, wav in sounds.items():
        film = Film.of_frames(frames, record["fps"], item.name)
        path = folder / f"{item.name}_{name.replace(' ', '_')}.mp4"
        write_with_sound(film, deliver(np.asarray(wav, np.float32), foley.rate_hz, film, PLAIN), PLAIN, path)
        films[name] = path
    return StudyItem(item.name, item.recording, films.pop("real"), films, **_labels(item.target))


def _window(record: Record, start_s: float, length_s: float) -> np.ndarray:
    """The pictures of a window, enlarged where they are small."""
    first = round(start_s * record["fps"])
    chosen = record["frames"][first : first + round(length_s * record["fps"])]
    frames = np.stack([decode_jpeg(data) for data in chosen])
    scale = _LARGER if frames.shape[1] < _SMALL else 1
    return frames.repeat(scale, axis=1).repeat(scale, axis=2)


def _labels(events: LabelledEvents) -> dict[str, str]:
    """Labels of the window's first event."""
    return {"material": events.material[0], "action": events.action[0]} if len(events.time_s) else {}
