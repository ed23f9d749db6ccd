"""Laws of all templates: scripts that parse, style sheets that hold together, pages that name what they miss."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from jinja2 import UndefinedError, meta

from vis2sound_jax.report.render import environment

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vis2sound_jax"
NODE = shutil.which("node")
FILES = sorted(path for folder in PACKAGE.glob("*/templates") for path in folder.iterdir())
PAGES, STYLES, SCRIPTS = ([path for path in FILES if path.suffix == kind] for kind in (".html", ".css", ".js"))
MAX_LINES = 250


def _id(path: Path) -> str:
    return f"{path.parents[1].name}/{path.name}"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _rules(path: Path) -> list[tuple[str, str]]:
    """Every innermost rule: its selectors and what it says."""
    plain = re.sub(r"/\*.*?\*/", "", _text(path), flags=re.S)
    return [(selectors.strip(), said.strip()) for selectors, said in re.findall(r"([^{}]*){([^{}]*)}", plain)]


def test_there_is_something_to_check() -> None:
    assert PAGES and STYLES and SCRIPTS and len(FILES) == len(PAGES) + len(STYLES) + len(SCRIPTS)


@pytest.mark.parametrize("path", FILES, ids=_id)
def test_files_are_short_indented_by_two_and_say_what_they_are(path: Path) -> None:
    lines = _text(path).splitlines()
    assert len(lines) <= MAX_LINES and _text(path).endswith("\n")
    for number, line in enumerate(lines, 1):
        assert line == line.rstrip() and "\t" not in line and len(line) <= 120, f"line {number}"
        assert (len(line) - len(line.lstrip(" "))) % 2 == 0, f"line {number} is indented by an odd number of spaces"
    begin = {".html": r"{#-? \w", ".css": r"/\* \w", ".js": r'"use strict";\n\n// \w'}[path.suffix]
    assert re.match(begin, _text(path)), "the file does not begin with what it is"


@pytest.mark.parametrize("path", FILES, ids=_id)
def test_nothing_comes_from_outside(path: Path) -> None:
    assert not re.search(r"https?:|url\(|@import|<link|\bfetch\(|XMLHttpRequest", _text(path))


@pytest.mark.parametrize("path", STYLES + SCRIPTS, ids=_id)
def test_what_is_inlined_does_not_end_its_element(path: Path) -> None:
    assert not re.search(r"</(style|script)|<!--", _text(path), re.I)


@pytest.mark.skipif(NODE is None, reason="node, which reads scripts outside a browser, is not installed")
@pytest.mark.parametrize("path", SCRIPTS, ids=_id)
def test_scripts_parse(path: Path) -> None:
    assert NODE is not None
    check = subprocess.run([NODE, "--check", str(path)], capture_output=True, text=True)
    assert check.returncode == 0, check.stderr


@pytest.mark.parametrize("path", SCRIPTS, ids=_id)
def test_scripts_find_their_elements(path: Path) -> None:
    page = _text(path.with_suffix(".html"))
    names = re.findall(r'(?:\bget|getElementById)\("([^"]+?)-?"', _text(path))
    assert names and all(re.search(rf'\bid="{name}["-]', page) for name in names)


@pytest.mark.parametrize("path", STYLES, ids=_id)
def test_style_sheets_balance_and_no_rule_is_empty(path: Path) -> None:
    depth = 0
    for character in re.sub(r"/\*.*?\*/", "", _text(path), flags=re.S):
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert 0 <= depth <= 2
    assert depth == 0 and _rules(path)
    for selectors, said in _rules(path):
        assert selectors and re.fullmatch(r"([\w-]+: [^:;]+;\s*)+", said), selectors


@pytest.mark.parametrize("path", STYLES, ids=_id)
def test_no_class_is_styled_in_vain(path: Path) -> None:
    used = {name for page in PAGES for names in re.findall(r'class="([^"]+)"', _text(page)) for name in names.split()}
    assert {name for selectors, _ in _rules(path) for name in re.findall(r"\.([a-z]\w*)", selectors)} <= used


@pytest.mark.parametrize("path", PAGES, ids=_id)
def test_colours_and_names_are_known(path: Path) -> None:
    known = {name for style in STYLES for name in re.findall(r"(--\w+):", _text(style))}
    assert {name for style in STYLES for name in re.findall(r"var\((--\w+)\)", _text(style))} <= known
    styled = " ".join(selectors for style in STYLES for selectors, _ in _rules(style))
    for names in re.findall(r'class="([^"]+)"', _text(path)):
        assert all(f".{name}" in styled for name in names.split()), names


@pytest.mark.parametrize("path", PAGES, ids=_id)
def test_every_template_raises_on_an_undefined_variable(path: Path) -> None:
    pages = environment(f"vis2sound_jax.{path.parents[1].name}")
    shown = meta.find_undeclared_variables(pages.parse(_text(path))) - set(pages.globals)
    needed = shown - set(re.findall(r"{% set (\w+) =", _text(path)))
    assert needed
    pages.get_template(_id(path)).render(dict.fromkeys(needed, _Anything()))
    for name in needed:
        given = dict.fromkeys(needed - {name}, _Anything())
        # JSON refuses what is undefined without its name.
        with pytest.raises((UndefinedError, TypeError), match=f"'{name}' is undefined|StrictUndefined is not JSON"):
            pages.get_template(_id(path)).render(given)


class _Anything(str):
    """An empty text with every attribute, which is a list of nothing too."""

    def __getattr__(self, name: str) -> "_Anything":
        if name.startswith("__"):
            raise AttributeError(name)
        return self
