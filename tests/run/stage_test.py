"""What a system lists: found by name, done by its module, asked to plan itself where it trains."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ml_collections import ConfigDict

from tests.run import demo_system
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.stage import PREPARE, Stage, covers, listed, plan_job, settings_for, stage_named, system_module

CONFIG = ConfigDict({"system": "tests.run.demo_system", "stages": ("prepare",), "data": {"fps": 25.0}})


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that can be imported as `made_up`."""
    made = ModuleType("made_up")
    monkeypatch.setitem(sys.modules, "made_up", made)
    return made


def test_stages_come_before_jobs() -> None:
    assert list(listed(CONFIG)) == ["prepare", "codebook", "evaluate", "onsets", "plan"]
    assert system_module(CONFIG) is demo_system
    with pytest.raises(UserError, match="--job=evalute: there is no such job; did you mean 'evaluate'?"):
        stage_named(listed(CONFIG), "evalute")


@pytest.mark.parametrize("name", ["opera", "tests.run.opera", "nowhere.at.all"])
def test_systems_that_are_not_there(name: str) -> None:
    with pytest.raises(UserError, match=f"config.system is '{name}', and there is no module .*; name another system"):
        listed(ConfigDict({"system": name}))


def test_a_fault_inside_a_system_is_no_missing_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "faulty_system.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        listed(ConfigDict({"system": "faulty_system.inner"}))


def test_a_module_does_it_by_run_or_by_the_function_that_is_named(module: ModuleType) -> None:
    module.run = lambda config, workdir: {"done": (config, workdir)}  # type: ignore[attr-defined]
    module.page = lambda config, workdir: {"written": workdir}  # type: ignore[attr-defined]
    assert Stage("one", "made_up", "").run("settings", Path("here")) == {"done": ("settings", Path("here"))}
    assert Stage("two", "made_up:page", "").run("settings", Path("here")) == {"written": Path("here")}


def test_a_module_that_only_says_what_is_trained_is_trained(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.training = lambda config: None  # type: ignore[attr-defined]
    asked: list[Any] = []
    monkeypatch.setattr("vis2sound_jax.run.fit.run_training", lambda *given: asked.append(given) or {"steps": 3})
    stage = Stage("learn", "made_up", "")
    assert stage.run("settings", Path("here")) == {"steps": 3}
    assert asked == [(stage.training(), "settings", Path("here"))]
    assert Stage("page", "made_up:page", "").training() is None


def test_settings_are_looked_at_where_the_module_only_trains(module: ModuleType) -> None:
    def refuse(config: Any) -> None:
        raise UserError("no such kind")

    module.training = refuse  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="no such kind"):
        Stage("learn", "made_up", "").check(CONFIG)
    module.run = lambda config, workdir: {}  # type: ignore[attr-defined]
    Stage("learn", "made_up", "").check(CONFIG)


def test_a_list_covers_settings_and_all_of_a_section() -> None:
    reads = ("seed", "mel", "transformer.columns")
    covered = ["seed", "mel", "mel.hop", "transformer.columns"]
    assert [name for name in (*covered, "seeds", "melody.hop", "transformer", "transformer.width")
            if covers(reads, name)] == covered  # fmt: skip


def test_settings_for_a_job_are_a_copy_with_its_flags() -> None:
    given = settings_for(CONFIG, "onsets", takes=2)
    assert (given.stage, given.request.takes, given.request.video) == ("onsets", 2, "")
    assert "stage" not in CONFIG and "request" not in CONFIG
    with pytest.raises(UserError, match="--job=onset: there is no such job"):
        settings_for(CONFIG, "onset")


def test_what_all_systems_list() -> None:
    assert PREPARE.reads == ("seed", "data", "world")
    flags = {flag.name: flag for flag in plan_job("transformer", "encoder").flags}
    assert (flags["stage"].default, flags["stage"].example) == ("transformer", "encoder")
    assert set(flags) == {"topology", "stage", "scale_batch", "output", "overwrite"}
