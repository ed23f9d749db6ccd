"""What is installed is what is here: a wheel with configs, builders and lists inside the package, nothing beside."""

import configparser
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = ("vis2sound_jax", "configs", "datasets")
# Whoever adds files of these kinds to any room finds them installed.
PAGES = ("report/templates/a.html", "listening/templates/parts/b.css", "report/c.js")


def _built(source: Path, output: Path) -> Path:
    """A wheel made of a folder, with the setuptools that is installed and no network."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "wheel", *options, f"--wheel-dir={output}", str(source)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    (wheel,) = output.glob("*.whl")
    return wheel


def _files(checkout: Path) -> list[str]:
    here = [path for folder in CODE for path in (checkout / folder).rglob("*") if path.is_file()]
    return [str(path.relative_to(checkout)) for path in here]


def _names(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a build reads, and tests that it must not take; builds leave files behind."""
    copy = tmp_path_factory.mktemp("packaging") / "checkout"
    for folder in (*CODE, "tests/run"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in PAGES:
        (copy / "vis2sound_jax" / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / "vis2sound_jax" / name).touch()
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    return _built(checkout, checkout.parent / "wheel")


def test_a_wheel_holds_every_file_of_the_package_with_configs_and_builders_inside(checkout: Path, wheel: Path) -> None:
    inside = {re.sub(r"^(configs|datasets)/", r"vis2sound_jax/\1/", name) for name in _files(checkout)}
    assert {name for name in _names(wheel) if ".dist-info/" not in name} == inside
    assert {f"vis2sound_jax/{name}" for name in ("py.typed", "configs/vis.py", *PAGES)} <= inside
    assert "vis2sound_jax/datasets/greatest_hits/splits/official_train.txt" in inside
    assert "vis2sound_jax/datasets/countix_av/countix_av_dataset_builder.py" in inside
    for system in ("condfoley", "vis"):
        assert {
            f"vis2sound_jax/pretrained/{system}/{name}" for name in ("card.json", "CARD.md", "config.json")
        } <= inside


def test_nothing_stands_beside_the_package(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in _names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"vis2sound_jax"}


def test_the_program_starts_a_function_that_is_there(wheel: Path) -> None:
    (name,) = (name for name in _names(wheel) if name.endswith("/entry_points.txt"))
    points = configparser.ConfigParser()
    points.read_string(zipfile.ZipFile(wheel).read(name).decode())
    assert dict(points["console_scripts"]) == {"vis2sound": "vis2sound_jax.cli:main"}


def test_a_source_distribution_holds_what_a_wheel_is_made_of(checkout: Path) -> None:
    folder = checkout.parent / "sdist"
    program = f"from setuptools import build_meta; build_meta.build_sdist({str(folder)!r})"
    subprocess.run([sys.executable, "-c", program], cwd=checkout, check=True, capture_output=True)
    (archive,) = folder.glob("*.tar.gz")
    names = {name.partition("/")[2] for name in tarfile.open(archive).getnames()}
    assert {*_files(checkout), "setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE"} <= names


def test_a_wheel_on_the_path_finds_its_own(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "site" / "datasets").mkdir()  # somebody else's
    program = (
        "from vis2sound_jax.prepare.builders import load_builder_module\n"
        "from vis2sound_jax.run.command_line import load_config\n"
        "print(load_config('configs/condfoley.py:smoke').name, load_config('vis').name)\n"
        "folder = load_builder_module('greatest_hits').FOLDER\n"
        "print(len((folder / 'splits' / 'official_test.txt').read_text().split()))\n"
        "from vis2sound_jax.run.card import check_files\n"
        "from vis2sound_jax.shipped import pretrained_dir, pretrained_names\n"
        "[check_files(pretrained_dir(name)) for name in pretrained_names()]\n"
        "print(*pretrained_names())\n"
    )
    command = [sys.executable, "-c", program]
    environment = {"PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "condfoley_smoke vis\n242\ncondfoley vis\n"), result.stderr
