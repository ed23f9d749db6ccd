"""What README and docs say can be done: their commands parse, their links lead somewhere, their names exist."""

import ast
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ml_collections import ConfigDict

from configs import autofoley, binaural, condfoley, vis
from tests.toy import knock
from vis2sound_jax.errors import UserError
from vis2sound_jax.run import requests
from vis2sound_jax.run.command_line import load_config
from vis2sound_jax.run.stage import Stage, listed, stage_named

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [*DOCS, ROOT / "CONTRIBUTING.md", ROOT / "launch" / "README.md", *sorted(ROOT.glob("datasets/*/README.md"))]

MAX_WORDS = 1500
FORBIDDEN = ("made anew", "mended", "none that")
SYSTEMS = {"autofoley": autofoley, "binaural": binaural, "condfoley": condfoley, "vis": vis}
GENERAL = {"config", "workdir", "job", "help", "multihost", "coordinator", "processes", "process_id"}
MAIN = ["python", "-m", "vis2sound_jax.main"]
QUICKSTART = ["bash", "launch/quickstart.sh"]
NOT_A_JOB = {"train"}  # all stages, as the program `vis2sound` calls them

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)|<(?:video|img)\b[^>]*?\b(?:src|poster)=\"([^\"]+)\"")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SETTING = re.compile(r"--config((?:\.\w+)+)")


def _id(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return [body for name, body in _BLOCK.findall(text) if name == language]


def commands(text: str) -> Iterator[list[str]]:
    """The commands of all bash blocks as words: without comments and variables, apart where && joins them."""
    for block in blocks(text, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words: list[str] = []
            for word in [*shlex.split(line, comments=True), "&&"]:
                if word == "&&":
                    yield words
                    words = []
                elif words or not re.match(r"\w+=", word):
                    words.append(word)


def check_command(words: list[str]) -> None:
    """Refuses a command of this project that could not be run as it stands; others are not looked at."""
    if words[:3] == MAIN:
        _check_main(words[3:])
    elif words[:2] == QUICKSTART:
        given = words[2:]
        if given[:1] == ["train"]:
            given = given[1:]
        elif given:
            given = ["--job=generate", *given]
        default = [] if any(word.startswith("--config=") for word in given) else ["--config=configs/condfoley.py"]
        _check_main([*default, *given])
    elif words[:1] == ["vis2sound"]:
        _check_program(words[1:])


def _check_main(arguments: list[str]) -> None:
    values: dict[str, str] = {}
    for argument in arguments:
        found = re.fullmatch(r"--([\w.]+)(?:=(.*))?", argument)
        assert found, f"{argument!r} is no flag"
        values[found[1]] = found[2] or ""
    config = load_config(values.get("config"))
    stages = listed(config)
    job = stage_named(stages, values["job"]).name if "job" in values else None
    for name in [name for name in values if name.startswith("config.")]:
        _check_setting(config, name.removeprefix("config."), values.pop(name))
    asked = {name: value for name, value in values.items() if name not in GENERAL}
    requests.check(job, asked, {name: stage.flags for name, stage in stages.items()})
    if job:
        _check_values(stages[job], asked)


def _check_setting(config: ConfigDict, name: str, value: str) -> None:
    node = setting(config, name)
    if type(node) in (int, float):
        type(node)(value)


def _check_values(stage: Stage, asked: dict[str, str]) -> None:
    for flag in stage.flags:
        if flag.name in asked:
            value = asked[flag.name]
            assert not flag.choices or value in flag.choices, f"--{flag.name}={value} is none of {flag.choices}"
            if type(flag.default) in (int, float):
                type(flag.default)(value)


def _check_program(arguments: list[str]) -> None:
    """`vis2sound JOB FILE … --flag VALUE …`: the job and its flags must be those of a system."""
    job, *rest = arguments
    known = [stages[job] for stages in map(listed, (file.get_config() for file in SYSTEMS.values())) if job in stages]
    assert known or job in NOT_A_JOB, f"vis2sound {job}: no system has such a job"
    flags = GENERAL | {flag.name for stage in known for flag in stage.flags}
    for word in rest:
        if word.startswith("--"):
            name = word[2:].partition("=")[0]
            assert name in flags or name.startswith("config."), f"vis2sound {job} has no --{name}"


def setting(config: ConfigDict, name: str) -> Any:
    """The value of a dotted name; a name that is not there is an error."""
    node: Any = config
    for part in name.split("."):
        assert isinstance(node, ConfigDict) and part in node, f"the config has no {name}"
        node = node[part]
    return node


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    outside = _BLOCK.sub("", text)
    headings = re.findall(r"^#+ +(.*)$", outside, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(path: Path) -> list[str]:
    """The relative links of a page, pictures and films among them."""
    found = [first or second for first, second in _LINK.findall(_BLOCK.sub("", path.read_text()))]
    return list(dict.fromkeys(link for link in found if not re.match(r"\w+:", link)))


@pytest.mark.parametrize("path", DOCS, ids=_id)
def test_commands_name_configs_presets_jobs_flags_and_settings_that_exist(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    for words in commands(path.read_text()):
        check_command(words)


def test_pages_with_commands_are_found() -> None:
    readme = list(commands((ROOT / "README.md").read_text()))
    assert QUICKSTART in readme and ["source", ".venv/bin/activate"] in readme
    assert any(words[:3] == MAIN for words in readme) and any(words[:1] == ["vis2sound"] for words in readme)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--config=configs/nowhere.py", "there is no such config file"),
        ("--config=configs/vis.py:smoek", "did you mean 'smoke'"),
        ("--config=configs/vis.py --job=genrate", "did you mean 'generate'"),
        ("--config=configs/vis.py --job=generate --example=a.wav", "--example goes with"),
        ("--config=configs/vis.py --video=a.mp4", "--video goes with --job=generate"),
        ("--config=configs/vis.py --config.world.trains=8", "the config has no world.trains"),
        ("--config=configs/vis.py --config.world.train=many", "invalid literal"),
        ("--config=configs/vis.py --job=generate --synthesis=loud", "is none of"),
        ("--config=configs/vis.py smoke", "is no flag"),
    ],
)
def test_a_slip_in_a_command_is_found(line: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (words,) = commands(f"```bash\nA=1 python -m vis2sound_jax.main \\\n  {line}  # so\n```\n")
    with pytest.raises((AssertionError, UserError, ValueError), match=message):
        check_command(words)


@pytest.mark.parametrize("line", ["genrate FILM", "generate FILM --exampel SOUND"])
def test_a_slip_in_a_command_of_the_program_is_found(line: str) -> None:
    with pytest.raises(AssertionError, match="vis2sound gen"):
        check_command(["vis2sound", *line.split()])


@pytest.mark.parametrize("path", PAGES, ids=_id)
def test_settings_in_the_text_exist_in_a_config(path: Path) -> None:
    configs = [file.get_config() for file in (*SYSTEMS.values(), knock)]
    for name in _SETTING.findall(path.read_text()):
        found = []
        for config in configs:
            try:
                found.append(setting(config, name[1:]))
            except AssertionError:
                continue
        assert found, f"no config has {name[1:]}"


@pytest.mark.parametrize(("path", "link"), [(path, link) for path in PAGES for link in links(path)], ids=_id)
def test_links_lead_to_files_and_headings(path: Path, link: str) -> None:
    place, _, anchor = link.partition("#")
    target = (path.parent / place).resolve() if place else path
    assert target.exists(), f"{_id(path)} links to {link}"
    if anchor:
        assert anchor in anchors(target.read_text()), f"{_id(target)} has no heading for #{anchor}"


def test_the_readme_is_short() -> None:
    assert len(_COMMENT.sub("", (ROOT / "README.md").read_text()).split()) <= MAX_WORDS


@pytest.mark.parametrize("path", PAGES, ids=_id)
def test_words_are_plain(path: Path) -> None:
    text = " ".join(path.read_text().lower().split())
    assert [word for word in FORBIDDEN if word in text] == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_preset_stands_in_the_page_of_its_system(system: str) -> None:
    page = (ROOT / "docs" / f"{system}.md").read_text()
    assert [preset for preset in SYSTEMS[system].PRESETS if f"`{preset}`" not in page] == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_flag_of_a_job_for_films_stands_in_the_page_of_its_system(system: str) -> None:
    page = (ROOT / "docs" / f"{system}.md").read_text()
    stages = listed(SYSTEMS[system].get_config())
    for job in {"generate", "onsets", "sheet", "convert"} & set(stages):
        assert [flag.name for flag in stages[job].flags if f"--{flag.name}=" not in page] == []


@pytest.mark.parametrize("path", PAGES, ids=_id)
def test_python_imports_what_is_there(path: Path) -> None:
    for block in blocks(path.read_text(), "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    assert _offers(str(node.module), alias.name), f"{node.module} has no {alias.name}"


def _offers(module: str, name: str) -> bool:
    """Whether a module has a name or a submodule of that name, without running it."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return False
    tree = ast.parse(Path(spec.origin).read_text())
    named = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    named |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return name in named or bool(spec.submodule_search_locations and importlib.util.find_spec(f"{module}.{name}"))
