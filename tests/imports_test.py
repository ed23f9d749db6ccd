"""The house rules a program can check: who imports whom, what is long, what is undocumented."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vis2sound_jax"

# Room → what it may import of ours. Open to all: errors, the writing and locking of files, the folders that come with
# the package, and its version.
OPEN = {"", "__version__", "errors", "whole", "large", "file_lock", "shipped", "system_files"}
LIBRARIES = {
    "audio", "data", "decoding", "evaluation", "exchange", "generation", "listening", "models", "prepare", "report",
    "retrieval", "tasks", "training", "video", "weights", "world",
}  # fmt: skip
ARROWS: dict[str, set[str]] = {
    "__init__": set(),
    "main": {"run"},
    # The program `vis2sound`: other words for what main does.
    "cli": {"main", "run"},
    # The only door for notebooks, apps and whatever stands above the systems, which it finds by name.
    "api": {"run", "audio.example", "exchange", "video.film"},
    # The spine names systems by their names only.
    "run": {
        "run",
        "training",
        "data.pipeline",
        "data.decoded",
        "prepare",
        "world.recording",
        "world.writer",
        "weights",
        "audio.example",
        "audio.files",
        "audio.levels",
        "audio.rates",
        "video",
    },
    # A system may import itself beside these, and never another one.
    "systems": {"run"} | LIBRARIES,
    "planning": {"planning", "run", "training"},
    "accelerator": {"accelerator", "planning", "run", "training", "decoding", "models"},
    "report": {"report", "audio", "evaluation.bootstrap"},
    "listening": {"listening", "report", "evaluation.bootstrap"},
    "generation": {
        "generation",
        "models",
        "decoding",
        "audio.binaural",
        "audio.joining",
        "audio.moments",
        "audio.overlap",
        "audio.synthesis",
        "video.motion",
        "video.onsets",
    },
    "tasks": {"tasks", "models", "training.task", "training.optim", "training.tables"},
    "evaluation": {"evaluation", "audio", "models", "retrieval", "video.motion"},
    "retrieval": {"retrieval", "audio"},
    # Pure: what programs of others read and write.
    "exchange": {"exchange"},
    "training": {"training"},
    "decoding": {"decoding"},
    "models": {"models"},
    "data": {"data", "prepare.records", "prepare.sources", "prepare.cores", "audio", "video"},
    "prepare": {"prepare", "audio", "video"},
    "world": {"world", "audio", "video"},
    # The clock of a film is the container's, for its sound as for its frames.
    "audio": {"audio", "video.container", "video.facts", "video.film"},
    "video": {"video"},
    "weights": {"weights"},
    "errors": set(),
    "whole": set(),
    "large": set(),
    "file_lock": set(),
    "shipped": set(),
    "system_files": set(),
    "datasets": {"prepare.film_builder", "prepare.lists", "video.files"},
    "configs": {"run.settings"},
}

# Package → files that may import it, as paths from the root; a trailing slash allows a folder.
FENCED = {
    "orbax": {"vis2sound_jax/training/checkpoint.py"},
    "torch": {"tests/benchmarks/"},
    "apache_beam": {"vis2sound_jax/prepare/beam.py"},
    "mido": {"vis2sound_jax/exchange/midi.py", "tests/"},
    "opentimelineio": {"vis2sound_jax/exchange/otio.py", "tests/"},
    "jinja2": {"vis2sound_jax/report/render.py", "tests/"},
    "tensorflow": set(),
    "pytest": {"tests/"},
    "tests": {"tests/"},
    "flax.nnx": set(),
}

MAX_LINES = {"vis2sound_jax/main.py": 80}
MAX_LINES_ELSEWHERE = 400


def _files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _room(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "vis2sound_jax" else parts[0]


def _own_system(path: Path) -> set[str]:
    parts = path.relative_to(ROOT).parts
    return {f"systems.{parts[2]}"} if parts[:2] == ("vis2sound_jax", "systems") and len(parts) > 3 else set()


def _within(name: str, allowed: str) -> bool:
    return name == allowed or bool(allowed) and name.startswith(allowed + ".")


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


SOURCES = _files("vis2sound_jax", "datasets", "configs")
ALL = SOURCES + _files("tests")


@pytest.mark.parametrize("path", SOURCES, ids=_id)
def test_arrows(path: Path) -> None:
    room = _room(path)
    assert room in ARROWS, f"{room} is a new room: say in ARROWS what it may import"
    allowed = ARROWS[room] | OPEN | _own_system(path)
    for name in _imports(ast.parse(path.read_text())):
        if not _within(name, "vis2sound_jax"):
            continue
        inner = name.removeprefix("vis2sound_jax").removeprefix(".")
        assert any(_within(inner, place) for place in allowed), f"{room} must not import {name}"


@pytest.mark.parametrize("path", ALL, ids=_id)
def test_fenced_packages(path: Path) -> None:
    for name in _imports(ast.parse(path.read_text())):
        for package, allowed in FENCED.items():
            if _within(name, package):
                assert any(_id(path).startswith(place) for place in allowed), f"{name} has no place here"


def test_torch_is_imported_inside_functions_only() -> None:
    for path in _files("vis2sound_jax"):
        top = ast.Module(body=ast.parse(path.read_text()).body, type_ignores=[])
        for node in top.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert not any(_within(name, "torch") for name in _imports(node)), path


@pytest.mark.parametrize("path", _files("configs"), ids=_id)
def test_configs_are_documents(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert {name.split(".")[0] for name in _imports(tree)} <= {"ml_collections", "vis2sound_jax"}
    assert ast.get_docstring(tree)


def test_folders_that_are_no_packages() -> None:
    # datasets/__init__.py would shadow Hugging Face's package of that name.
    assert not (ROOT / "datasets" / "__init__.py").exists()
    assert not (ROOT / "configs" / "__init__.py").exists()


@pytest.mark.parametrize("path", ALL, ids=_id)
def test_files_are_short(path: Path) -> None:
    limit = MAX_LINES.get(_id(path), MAX_LINES_ELSEWHERE)
    assert len(path.read_text().splitlines()) <= limit


def _is_overload(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list)


def _undocumented(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node) and not _is_overload(node):
                yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from _undocumented(node.body, f"{prefix}{node.name}.")


@pytest.mark.parametrize("path", _files("vis2sound_jax", "datasets"), ids=_id)
def test_modules_and_public_names_have_docstrings(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "the module says nothing"
    # Linen calls setup itself; the class tells what it makes.
    missing = [name for name in _undocumented(tree.body) if not name.endswith(".setup")]
    assert not missing
