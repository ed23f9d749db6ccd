"""The toy system goes through all of the house: stages, a stop and a resume, a plan, a page; nothing knows it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.recorder import Reads, recording, unlisted
from tests.tiny_run import Answer, call
from tests.toy.knock import get_config
from vis2sound_jax.run.stage import listed
from vis2sound_jax.training import loop

FILE = Path(__file__).with_name("knock.py")
DOCUMENT = FILE.parents[2] / "docs" / "add_a_system.md"


def knock(workdir: Path, *arguments: str) -> Answer:
    return call(f"--config={FILE}", f"--workdir={workdir}", "--config.mesh.data=1", *arguments)


def mark(workdir: Path) -> dict[str, Any]:
    return json.loads((workdir / "stages" / "loudness.json").read_text())


@pytest.fixture(scope="module")
def reads() -> Reads:
    return {}


@pytest.fixture(scope="module")
def workdir(reads: Reads, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workdir of a finished run; it is for reading."""
    folder = tmp_path_factory.mktemp("knock") / "run"
    with recording(reads):
        answer = knock(folder)
    assert (answer.code, answer.err) == (0, "")
    return folder


def test_it_is_short() -> None:
    assert len(FILE.read_text().splitlines()) < 60


def test_its_stage_is_done_once_and_reads_what_it_lists(workdir: Path, reads: Reads) -> None:
    assert mark(workdir)["finished"] and mark(workdir)["summary"]["steps"] == 6
    assert reads["loudness"] >= {"loudness.batch", "seed"} and unlisted(listed(get_config()), reads) == {}
    again = knock(workdir)
    assert (again.code, again.err) == (0, "") and again.out.startswith("loudness: finished (")
    refused = knock(workdir, "--config.loudness.batch=8")
    assert refused.code == 2 and "stage loudness was begun with config.loudness.batch=16" in refused.err


def test_a_run_that_was_stopped_ends_with_the_same_parameters(
    workdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(loop.Preemption, "reached", lambda self, step: step == 3)
        stopped = knock(tmp_path)
    assert stopped.code == 0 and "loudness: stopped after step 3 of 6, which is saved" in stopped.out
    assert not mark(tmp_path)["finished"]
    assert knock(tmp_path).code == 0
    assert mark(tmp_path)["summary"]["digest"] == mark(workdir)["summary"]["digest"]


def test_its_step_is_planned(tmp_path: Path) -> None:
    answer = knock(tmp_path / "none", "--job=plan", "--topology=v5e-8", "--config.mesh.data=-1")
    assert (answer.code, answer.err) == (0, "") and "data 8; a batch of 16" in answer.out
    assert answer.out.splitlines()[-1].startswith("vis2sound: plan is done: stage loudness, v5e-8 ")
    assert not list(tmp_path.iterdir())


def test_its_job_writes_a_page(workdir: Path, tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    assert knock(workdir, "--job=page", f"--output={output}").code == 0
    page = output.read_text()
    assert "Data: made-up knocks" in page and "Mean absolute error." in page
    refused = knock(workdir, "--job=pag")
    assert refused.code == 2 and "--job=pag: there is no such job; did you mean 'page'?" in refused.err


def test_help_lists_what_it_can_do(tmp_path: Path) -> None:
    told = knock(tmp_path / "none", "--help").out
    assert "learns the loudness" in told and "shows how wrong it is" in told


def test_the_document_quotes_it() -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    source = FILE.read_text()
    assert blocks and all(block in source for block in blocks)
    # Piece by piece, in order, all of it but the imports.
    assert "".join(blocks).replace("\n", "") == source[source.index("HERE = ") :].replace("\n", "")
