"""The kinds of inputs: how one is drawn and written, which door of the program it goes through, what is whole."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from hypothesis import strategies as st

from tests.fuzz import checks, media, texts, wavs
from tests.fuzz.checkpoints import KINDS as MODELS
from tests.fuzz.checkpoints import checkpoints, kind_of, suffix_of, write_checkpoint
from tests.fuzz.quick import quick, settings, shipped
from vis2sound_jax.run.requests import with_request
from vis2sound_jax.run.stage import listed
from vis2sound_jax.systems.condfoley import chain

Arguments = dict[str, Any]
"""What a door is told beside its files, as JSON."""


class Kind(NamedTuple):
    """A kind of input.

    Attributes:
      plans: what is drawn.
      write: writes the files of a plan into a folder; returns the door's arguments.
      run: the door: reads the folder, writes into another.
      check: whether what it wrote is whole.
      share: of the time of a run.
    """

    plans: st.SearchStrategy[Any]
    write: Callable[[Path, Any], Arguments]
    run: Callable[[Path, Arguments, Path], None]
    check: Callable[[Path, Arguments, Path], None]
    share: float = 1.0


# What a request asks for beside its files.
def _mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from((*[usual] * 3 * len(others), *others))


_DELIVERIES: st.SearchStrategy[Arguments] = st.fixed_dictionaries(
    {
        "suffix": st.sampled_from((".mkv", ".mov", ".mov", ".mp4", ".m4v", ".webm")),
        "rate": _mostly(48_000, 8_000, 44_100, 192_000),
        "lufs": _mostly("", "-23", "-60"),
        "keep_sound": _mostly("", "-12", "12"),
        "takes": _mostly(1, 2),
        "pcm": _mostly(False, True),
        "tone": _mostly("", "-6"),
        "seed": st.one_of(st.just(0), st.integers(0, 2**64 - 1)),
    }
)
# A usual film and a usual sound, to go with what is odd.
_USUAL_FILM = media.Filming(".mp4", 0, 48, 36, "25", 12, "even", 0.0, 0, (), (), [])
_USUAL_SOUND = media.Heard(".wav", media.Sounding(0, 44100, "stereo", "hits", 0.6, 0.0, 0.0), [])
_HEARD_FILM = _USUAL_FILM._replace(sounds=(_USUAL_SOUND.sound,))


def _write_pair(folder: Path, film: Any, sound: Any, asked: Arguments) -> Arguments:
    names = {"video": f"film{film.suffix}", "example": "sound.wav"}
    media.write_film(folder / names["video"], film)
    if isinstance(sound, wavs.Wav):
        wavs.write_wav(folder / "sound.wav", sound)
    elif isinstance(sound, media.Filming):
        names["example"] = f"sound{sound.suffix}"
        media.write_film(folder / names["example"], sound)
    else:
        names["example"] = f"sound{sound.suffix}"
        media.write_sound(folder / names["example"], sound)
    return {**names, **asked}


def job(name: str, config: Any, workdir: Path, asked: Mapping[str, Any]) -> None:
    """Does a job as `main` does it, without parsing flags."""
    stage = listed(config)[name]
    stage.run(with_request(config, name, stage.flags, asked), workdir)


def generate(folder: Path, arguments: Arguments, out: Path, system: Callable[[], Any] = quick) -> None:
    """`--job=generate` with the weights that ship, or what stands for them."""
    asked = {name: value for name, value in arguments.items() if name != "suffix"}
    asked |= {"video": str(folder / arguments["video"]), "example": (str(folder / arguments["example"]),)}
    asked["output"] = str(out / f"made{arguments['suffix']}")
    opened = system()
    with mock.patch.object(chain, "load", lambda *_: opened):
        job("generate", settings(), folder, asked)


def _generated(folder: Path, arguments: Arguments, out: Path) -> None:
    checks.check_film(out / "made.json", out)


def _onsets(folder: Path, arguments: Arguments, out: Path) -> None:
    asked = {"video": str(folder / arguments["video"]), "output": str(out / "events.csv")}
    opened = quick()
    with mock.patch.object(chain, "load", lambda *_: opened):
        job("onsets", settings(), folder, asked)


def _listed(folder: Path, arguments: Arguments, out: Path) -> None:
    lines = (out / "events.csv").read_text().splitlines()
    assert lines[0].startswith("time_s,") and checks.shown(out) == {"events.csv"}, (lines[:2], checks.shown(out))


def _write_checkpoint(folder: Path, plan: Any) -> Arguments:
    name = f"net{suffix_of(plan)}"
    write_checkpoint(folder / name, plan)
    return {"source": name, "kind": kind_of(plan)}


def _convert(folder: Path, arguments: Arguments, out: Path) -> None:
    asked = {**arguments, "source": str(folder / arguments["source"]), "output": str(out / "weights")}
    job("convert", settings(), folder, asked)


def _converted(folder: Path, arguments: Arguments, out: Path) -> None:
    assert arguments["kind"] in MODELS
    json.loads((out / "weights" / "config.json").read_text())
    assert not list(out.rglob("*.part")) and not list(out.rglob("*tmp*"))


def _answers(folder: Path, arguments: Arguments, out: Path) -> None:
    from vis2sound_jax.listening.answers import analyse_answers

    analyse_answers([folder / "answers.csv"])


def _write_answers(folder: Path, plan: bytes) -> Arguments:
    (folder / "answers.csv").write_bytes(plan)
    return {}


def _no_files(folder: Path, arguments: Arguments, out: Path) -> None:
    checks.check_nothing(out)


_IDS = ("a", "b", "c", "d")
_SIDES = st.tuples(st.just(b"a\nb\n"), st.just(b"c\nd"))
_RECORDINGS = st.builds(
    lambda sides, files: {"train.txt": sides[0], "test.txt": sides[1], **files},
    st.one_of(_SIDES, st.tuples(texts.lists(_IDS), texts.lists(_IDS))),
    st.fixed_dictionaries(
        {}, optional={**{f"{name}_times.txt": texts.times() for name in _IDS}, "manifest.json": texts.spans(_IDS)}
    ),
)


def _write_recordings(folder: Path, files: dict[str, bytes]) -> Arguments:
    film = folder / "a_denoised.mp4"
    media.write_film(film, _USUAL_FILM._replace(pictures=30, sounds=(_USUAL_SOUND.sound._replace(codec=0),)))
    for name in _IDS[1:]:
        shutil.copy(film, folder / f"{name}_denoised.mp4")
    texts.put(folder, files)
    return {}


def _prepare(folder: Path, arguments: Arguments, out: Path) -> None:
    config = settings().copy_and_resolve_references()
    with config.unlocked():
        config.data.recordings, config.data.height, config.data.width = str(folder), 8, 8
        config.prepare.workers, config.data.max_bad_share = 0, 0.6
    job("prepare", config, out, {})


def _prepared(folder: Path, arguments: Arguments, out: Path) -> None:
    assert (out / "data" / "prepared" / "dataset_info.json").exists()
    assert not list(out.rglob("*partial*")) and not list(out.rglob("*.part"))


def _unfinished_is_kept(folder: Path, arguments: Arguments, out: Path) -> None:
    """A preparation that stops keeps what it has beside its place, for the same command to go on."""
    left = [path for path in out.rglob("*") if path.is_file() and ".prepared.partial" not in str(path)]
    assert not left, f"left behind: {left}"


KINDS: Mapping[str, Kind] = {
    "film": Kind(
        st.tuples(media.films(harmed=False), _DELIVERIES),
        lambda folder, plan: _write_pair(folder, plan[0], _USUAL_SOUND, plan[1]),
        generate,
        _generated,
        3.0,
    ),
    "harmed_film": Kind(
        st.tuples(media.films(harmed=True), _DELIVERIES),
        lambda folder, plan: _write_pair(folder, plan[0], _USUAL_SOUND, plan[1]),
        generate,
        _generated,
        2.0,
    ),
    "onsets": Kind(
        st.tuples(media.films(harmed=True), st.just({})),
        lambda folder, plan: _write_pair(folder, plan[0], _USUAL_SOUND, plan[1]),
        _onsets,
        _listed,
    ),
    "example": Kind(
        st.tuples(
            st.one_of(media.sounds(harmed=False), media.sounds(harmed=True), media.films(harmed=True)), _DELIVERIES
        ),
        lambda folder, plan: _write_pair(folder, _HEARD_FILM, *plan),
        generate,
        _generated,
        3.0,
    ),
    "wav": Kind(
        st.tuples(wavs.wavs(), _DELIVERIES),
        lambda folder, plan: _write_pair(folder, _HEARD_FILM, *plan),
        generate,
        _generated,
        2.0,
    ),
    "networks": Kind(
        st.tuples(media.films(harmed=False), _DELIVERIES),
        lambda folder, plan: _write_pair(folder, plan[0], _USUAL_SOUND, plan[1]),
        lambda folder, arguments, out: generate(folder, arguments, out, shipped),
        _generated,
        1.0,
    ),
    "recordings": Kind(_RECORDINGS, _write_recordings, _prepare, _prepared, 2.0),
    "answers": Kind(texts.answers(), _write_answers, _answers, _no_files, 0.5),
    "checkpoints": Kind(checkpoints(), _write_checkpoint, _convert, _converted, 3.0),
}
"""By name."""

REFUSED = {"recordings": _unfinished_is_kept}
"""What may be left by kinds that leave something when they refuse."""
