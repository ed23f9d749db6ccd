"""Laws of cards: every file is what its digest says, nothing else is there, and people can read what is in it."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.card import CARD, PAGE, check_files, is_packed, read_card, refuse_packed, write_card
from vis2sound_jax.run.workdir import settings_of

NUMBER = {"value": 0.83333, "low": 0.78, "high": 0.89}
ABOUT = {
    "name": "demo_shipped",
    "system": "demo",
    "made_by": "vis2sound_jax 1.0",
    "data": {"recordings": "procedural recordings", "seed": 3},
    "training": {"command": "python -m vis2sound_jax.main --config=demo.py"},
    "numbers": {"onset AP": NUMBER},
    "before_packing": {"onset AP": {**NUMBER, "value": 0.834}},
    "measured_on": "events of 8 films",
    "limits": ["It has seen little."],
    "licence": "Apache-2.0; what you make is yours.",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "weights"
    (made / "encoder").mkdir(parents=True)
    (made / "encoder" / "checkpoints.safetensors").write_bytes(b"\0\1")
    (made / "config.json").write_text(json.dumps({"name": "demo", "system": "demo"}))
    write_card(made, ABOUT)
    return made


def test_a_card_knows_every_file(folder: Path) -> None:
    card = read_card(folder)
    assert set(card["files"]) == {"config.json", "encoder/checkpoints.safetensors", PAGE}
    known = card["files"]["encoder/checkpoints.safetensors"]
    assert known == {"sha256": hashlib.sha256(b"\0\1").hexdigest(), "bytes": 2}
    assert {name: card[name] for name in ABOUT} == ABOUT
    check_files(folder)
    assert settings_of(folder).name == "demo"


def test_people_read_numbers_data_command_limits_and_licence(folder: Path) -> None:
    page = (folder / PAGE).read_text()
    assert "| onset AP | 0.833 | 0.780 to 0.890 | 0.834 |" in page and "events of 8 films" in page
    for words in ("procedural recordings", "--config=demo.py", "It has seen little.", "what you make is yours"):
        assert words in page


def _cut(folder: Path) -> None:
    (folder / "encoder" / "checkpoints.safetensors").write_bytes(b"\0")


def _remove(folder: Path) -> None:
    (folder / "encoder" / "checkpoints.safetensors").unlink()


def _add(folder: Path) -> None:
    (folder / "sync").mkdir()
    (folder / "sync" / "checkpoints.safetensors").write_bytes(b"\0")


def _change_page(folder: Path) -> None:
    (folder / PAGE).write_text((folder / PAGE).read_text().replace("0.833", "0.933"))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (
            _cut,
            r"encoder/checkpoints.safetensors: is damaged or foreign: its SHA-256 is 6e340b\w{58}, and card.json says "
            r"b413f4\w{58}; install vis2sound_jax again, pack the run again with --job=pack, or name a run of your own",
        ),
        (_remove, r"encoder/checkpoints.safetensors: is missing; card.json lists it; install vis2sound_jax again"),
        (_add, r"sync/checkpoints.safetensors: is foreign: card.json does not list it; remove it, or install"),
        (_change_page, r"CARD.md: is damaged or foreign"),
    ],
)
def test_damaged_and_foreign_files_are_refused_with_digest_and_remedy(
    folder: Path, harm: Callable[[Path], None], message: str
) -> None:
    harm(folder)
    for load in (check_files, settings_of):
        with pytest.raises(UserError, match=f"^{re.escape(str(folder))}/{message}"):
            load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "files": []}'])
def test_a_damaged_card_is_refused(folder: Path, text: str) -> None:
    (folder / CARD).write_text(text)
    with pytest.raises(UserError, match="card.json: "):
        check_files(folder)


def test_a_card_of_another_version_is_refused(folder: Path) -> None:
    (folder / CARD).write_text(json.dumps({**read_card(folder), "format": 9}))
    with pytest.raises(UserError, match="card.json: has the format 9, and this version reads 1"):
        check_files(folder)


def test_a_run_has_no_card_and_passes(tmp_path: Path, folder: Path) -> None:
    assert not is_packed(tmp_path) and is_packed(folder)
    check_files(tmp_path)
    refuse_packed(tmp_path)
    with pytest.raises(
        UserError, match="weights: holds packed weights, which are for use alone; choose another --work"
    ):
        refuse_packed(folder)


def test_hidden_files_of_a_desktop_do_no_harm(folder: Path) -> None:
    (folder / ".DS_Store").write_bytes(b"")
    check_files(folder)


@pytest.mark.parametrize("text", ["[]", "3", "null", "{}", "[" * 100_000, '{"format": 1, "files": {"a": 3}}'])
def test_a_card_that_is_no_object_of_ours_is_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(UserError, match="card.json: is damaged; install"):
        check_files(tmp_path)
