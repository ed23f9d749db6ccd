"""The notebooks of launch/colab: kept without outputs, and run from top to bottom at sizes that take seconds."""

import ast
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from tests.tiny_run import SIZES, VIS_SIZES
from vis2sound_jax.audio.files import read_sound
from vis2sound_jax.video.files import probe

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "launch" / "colab").glob("*.ipynb"))
RUN = "runs/condfoley_smoke"
SETTINGS = [f"--config.{size}" for size in SIZES]
LEFT = ("sync", "generate")
VIS_SETTINGS = [f"--config.{size}" for size in VIS_SIZES]

Play = Callable[..., nbformat.NotebookNode]
Trained = tuple[Path, nbformat.NotebookNode]


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def parameters(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    (cell,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    return cell


def names(cell: nbformat.NotebookNode) -> set[str]:
    """Names to which a cell of plain assignments gives values."""
    return {target.id for line in ast.parse(cell.source).body for target in line.targets}


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Runs a notebook in a folder with values of its parameters replaced; a cell that fails raises."""
    home = tmp_path_factory.mktemp("jupyter")
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    environment |= {"PYTHONPATH": str(ROOT), "IPYTHONDIR": str(home), "JAX_PLATFORMS": "cpu"}

    def run(name: str, folder: Path, **values: Any) -> nbformat.NotebookNode:
        notebook = read(ROOT / "launch" / "colab" / f"{name}.ipynb")
        cell = parameters(notebook)
        assert set(values) <= names(cell)
        cell.source += "".join(f"\n{key} = {value!r}" for key, value in values.items())
        client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("JUPYTER_RUNTIME_DIR", str(home))
            return client.execute(env=environment)

    return run


def printed(notebook: nbformat.NotebookNode) -> str:
    outputs = (output for cell in code_cells(notebook) for output in cell.outputs)
    return "".join(output.text for output in outputs if output.output_type == "stream")


def shown(notebook: nbformat.NotebookNode, cell_id: str) -> list[str]:
    """What a cell shows: image/png, audio, video or iframe, in order."""
    (cell,) = (cell for cell in notebook.cells if cell.id == cell_id)
    kinds = []
    for data in (output.data for output in cell.outputs if "data" in output):
        embedded = re.search(r"<(audio|video|iframe)\b.*(?:src=\"data:|srcdoc=)", data.get("text/html", ""), re.DOTALL)
        kinds += [embedded[1]] if embedded else ["image/png"] if "image/png" in data else []
    return kinds


@pytest.fixture(scope="module")
def trained(play: Play, tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The folder in which the notebook of training was run, and what it showed.

    It went on with the run of all tests, of which two stages were left to be done.
    """
    folder = tmp_path_factory.mktemp("colab")
    missing = shutil.ignore_patterns(*LEFT, *(f"{stage}.json" for stage in LEFT))
    shutil.copytree(tiny_run, folder / RUN, ignore=missing)
    return folder, play("train", folder, SETTINGS=SETTINGS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_bare(path: Path) -> None:
    """No outputs, short cells, text between them, one cell of parameters, no address of a machine or a site."""
    notebook = read(path)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in code_cells(notebook):
        assert not cell.outputs and cell.execution_count is None
        assert len(cell.source.splitlines()) < 20
        assert set(cell.metadata) <= {"tags"}
    assert names(parameters(notebook)) and notebook.cells[0].cell_type == "markdown"
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "://" not in text and not re.search(r"""(?:^|["'`=\s(])(?:/|~/|[A-Z]:\\)\w""", text)
    assert "procedural" in text and 'REPOSITORY = ""' in text


def test_training_shows_stages_losses_scores_and_the_report(trained: Trained) -> None:
    folder, notebook = trained
    text = printed(notebook)
    assert f"finished; everything is in {RUN}" in text
    assert re.findall(r"^(\w+): done in", text, re.MULTILINE) == list(LEFT)
    # The second call finds these finished, as the first found the others.
    assert all(text.index(f"{stage}: done in") < text.index(f"{stage}: finished") for stage in LEFT)
    assert text.count("encoder: finished") == 2
    assert "held-out procedural recordings" in text and "real sound" in text and "chance" in text
    assert shown(notebook, "losses") == ["image/png"]
    assert shown(notebook, "report") == ["iframe"]
    assert shown(notebook, "films") == ["video"]
    assert (folder / RUN / "evaluate" / "report.html").is_file()


def test_takes_are_made_shown_and_kept(play: Play, tmp_path: Path) -> None:
    """Without a film, an example or a run of one's own, and it says what stands in for them."""
    folder = tmp_path
    notebook = play("generate", folder, TAKES=2, SECONDS=5.0, UPLOAD=True)
    text = printed(notebook)
    assert "pretrained/condfoley was trained on procedural recordings" in text
    assert text.count("is a procedural film") == 2
    assert shown(notebook, "show-film") == ["video", "audio"]
    assert shown(notebook, "onsets") == shown(notebook, "mels") == ["image/png"]
    assert shown(notebook, "listen") == ["video", "audio"]
    for take in ("take", "take_take2"):
        film = folder / "runs" / "soundtracks" / f"{take}.mp4"
        assert probe(film).has_sound and probe(film).duration_s == pytest.approx(5.0, abs=0.04)
        assert len(read_sound(film.with_suffix(".wav"), 22050)) == round(probe(film).duration_s * 22050)


def test_cochleagrams_are_shown_turned_into_sound_and_predicted(play: Play, tiny_vis_run: Path, tmp_path: Path) -> None:
    notebook = play("cochleagrams", tmp_path, WORKDIR=str(tiny_vis_run), SETTINGS=VIS_SETTINGS, SECONDS=3.0)
    text = printed(notebook)
    assert "a procedural sound" in text and "finished; everything is in" in text
    (error,) = re.findall(r"largest difference from the sound: (\S+)", text)
    assert float(error) < 1e-5
    for cell in ("filters", "bands", "exact-and-fast", "compare"):
        assert shown(notebook, cell) == ["image/png"]
    assert shown(notebook, "sound") == ["audio"]
    assert shown(notebook, "inversion") == ["audio", "audio"]
    assert shown(notebook, "noise") == ["audio", "audio", "image/png"]
    assert shown(notebook, "soundtracks") == ["video"] * 3
    assert np.isfinite(read_sound(tmp_path / "runs" / "vis_parametric.mp4", 16000)).all()
