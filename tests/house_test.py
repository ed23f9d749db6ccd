"""Counts that the house keeps: short functions, everything public documented, arrays with shapes, tests beside it."""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("vis2sound_jax", "configs", "datasets") for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if "benchmarks" not in path.parts)
ROOMS_WITH_A_TEST_EACH = ("run", "systems/condfoley/scoring", "systems/vis/scoring", "report", "listening", "prepare")

Function = tuple[str, ast.FunctionDef]
_BARE = re.compile(r"np\.ndarray|jax\.Array|(?<![\w.])Array")
_SHAPED = re.compile(r"(?:Float|Int|UInt8|Num|Bool|Complex|Shaped)\w*\[")


def functions(path: Path, *, public: bool) -> Iterator[Function]:
    """Every function of a file, or those that others may call, with their places."""

    def walk(body: list[ast.stmt], prefix: str, seen: bool) -> Iterator[Function]:
        for node in body:
            if isinstance(node, ast.FunctionDef):
                if seen and not node.name.startswith("_") or not public:
                    yield f"{path.relative_to(ROOT)}:{prefix}{node.name}", node
                yield from walk(node.body, f"{prefix}{node.name}.", False)
            elif isinstance(node, ast.ClassDef):
                yield from walk(node.body, f"{prefix}{node.name}.", seen and not node.name.startswith("_"))

    yield from walk(ast.parse(path.read_text()).body, "", True)


def parameters(function: ast.FunctionDef) -> list[ast.arg]:
    given = function.args
    return [each for each in (*given.posonlyargs, *given.args, *given.kwonlyargs) if each.arg not in ("self", "cls")]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_bodies_of_functions_are_short(path: Path) -> None:
    for place, function in functions(path, public=False):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        if body:
            assert (body[-1].end_lineno or 0) - body[0].lineno < 40, place


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_explain_their_parameters(path: Path) -> None:
    for place, function in functions(path, public=True):
        if len(parameters(function)) > 1:
            assert "Args:" in (ast.get_docstring(function) or ""), place


def test_arrays_in_public_signatures_have_shapes() -> None:
    bare, every = [], 0
    for path in SOURCES:
        for place, function in functions(path, public=True):
            notes = [each.annotation for each in parameters(function)] + [function.returns]
            for text in (ast.unparse(note) for note in notes if note is not None):
                if _BARE.search(text):
                    every += 1
                    bare += [] if _SHAPED.search(text) else [f"{place}: {text}"]
    assert len(bare) <= 0.1 * every, "\n".join(bare)


def test_files_are_short_and_tests_long() -> None:
    sizes = sorted(lines(path) for path in SOURCES if lines(path) > 1)
    assert statistics.median(sizes) <= 150 and sizes[int(0.9 * len(sizes))] <= 400
    assert sum(map(lines, TESTS)) >= 0.6 * sum(map(lines, SOURCES))


@pytest.mark.parametrize("room", ROOMS_WITH_A_TEST_EACH)
def test_every_module_has_a_test_file(room: str) -> None:
    modules = {path.stem for path in (ROOT / "vis2sound_jax" / room).glob("*.py")} - {"__init__"}
    tested = {path.stem.removesuffix("_test") for path in (ROOT / "tests" / room).glob("*_test.py")}
    assert not modules - tested
