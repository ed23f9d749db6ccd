"""Laws of what comes with the program: found in a checkout and once installed, from any folder, before nothing else."""

import shutil
from pathlib import Path

import pytest

from vis2sound_jax import shipped

ROOT = Path(__file__).parents[1]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package, beside which somebody else's `datasets` stands."""
    package = tmp_path / "site-packages" / "vis2sound_jax"
    shutil.copytree(ROOT / "configs", package / "configs")
    (package / "datasets").mkdir()
    (package.parent / "datasets").mkdir()
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    return package


def test_a_checkout_keeps_them_beside_the_package() -> None:
    assert shipped.shipped_dir("configs") == ROOT / "configs"
    assert shipped.shipped_dir("datasets") == ROOT / "datasets"
    assert shipped.config_names() == sorted(path.stem for path in (ROOT / "configs").glob("*.py"))


def test_an_installed_package_holds_them_and_looks_at_no_stranger(installed: Path) -> None:
    assert shipped.shipped_dir("datasets") == installed / "datasets"
    assert shipped.config_names() == ["autofoley", "binaural", "condfoley", "vis"]
    assert shipped.config_file("vis") == installed / "configs" / "vis.py"


@pytest.mark.parametrize("name", ["vis", "vis.py", "configs/vis.py", "configs/vis", "./configs/vis.py"])
def test_a_shipped_config_is_found_from_any_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped.config_file(name) == ROOT / "configs" / "vis.py"


def test_a_users_own_file_comes_first_but_not_before_a_bare_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    for name in ("vis", "vis.py", "configs/vis.py"):
        Path(name).write_text("")
    assert shipped.config_file("vis") == ROOT / "configs" / "vis.py"
    assert shipped.config_file("vis.py") == Path("vis.py")
    assert shipped.config_file("configs/vis.py") == Path("configs/vis.py")


@pytest.mark.parametrize("name", ["viss", "mine/vis.py", "/configs/vis.py", "vis.txt", "../configs/vis.py"])
def test_other_names_stay_as_they_are(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped.config_file(name) == Path(name)
