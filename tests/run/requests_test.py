"""Flags of jobs: each has one place, a type and a default, and goes with the jobs that know it."""

from collections.abc import Iterator

import pytest
from absl import flags
from ml_collections import ConfigDict

from vis2sound_jax.errors import UserError
from vis2sound_jax.run import requests
from vis2sound_jax.run.requests import Flag

FLAGS = (
    Flag("film_of_test", "", "A film.", "a.mp4"),
    Flag("takes_of_test", 4, "Soundtracks.", "2", least=1),
    Flag("start_of_test", -1.0, "A second."),
    Flag("loud_of_test", False, "Whether it is loud."),
    Flag("kind_of_test", "", "A kind.", choices=("one", "two")),
)


@pytest.fixture
def defined() -> Iterator[None]:
    requests.define(FLAGS)
    yield
    flags.FLAGS.mark_as_parsed()
    requests.define(())


def parse(*arguments: str) -> dict[str, object]:
    flags.FLAGS.unparse_flags()
    flags.FLAGS(["vis2sound", *arguments])
    return requests.given(flag for flag in FLAGS if flag.name in flags.FLAGS)


@pytest.mark.usefixtures("defined")
def test_flags_have_the_type_of_their_default_and_none_is_given_by_itself() -> None:
    assert parse() == {}
    given = parse("--film_of_test=a.mp4", "--takes_of_test=2", "--start_of_test=1.5", "--loud_of_test")
    assert given == {"film_of_test": "a.mp4", "takes_of_test": 2, "start_of_test": 1.5, "loud_of_test": True}


@pytest.mark.usefixtures("defined")
@pytest.mark.parametrize("argument", ["--takes_of_test=0", "--takes_of_test=few", "--kind_of_test=three"])
def test_values_that_a_flag_cannot_have(argument: str) -> None:
    with pytest.raises(flags.Error, match=argument.partition("=")[0].strip("-")):
        parse(argument)


@pytest.mark.usefixtures("defined")
def test_flags_of_another_system_are_forgotten_and_those_defined_otherwise_replaced() -> None:
    requests.define([FLAGS[1]._replace(default="", least=None)])
    assert parse("--takes_of_test=few") == {"takes_of_test": "few"}
    with pytest.raises(flags.Error, match="film_of_test"):
        parse("--film_of_test=a.mp4")


def test_flags_go_with_the_jobs_that_know_them() -> None:
    hears = {"onsets": (requests.VIDEO,), "generate": (requests.VIDEO, requests.SEED), "evaluate": ()}
    requests.check("generate", {"video": "a.mp4", "seed": 1}, hears)
    requests.check(None, {}, hears)
    with pytest.raises(UserError, match="--seed goes with --job=generate, and --job=onsets does nothing with it; add"):
        requests.check("onsets", {"seed": 1}, hears)
    with pytest.raises(UserError, match="--video goes with --job=onsets or --job=generate, and all stages together do"):
        requests.check(None, {"video": "a.mp4"}, hears)


def test_a_job_finds_values_and_defaults_in_a_copy() -> None:
    config = ConfigDict({"seed": 3}).lock()
    copy = requests.with_request(config, "generate", FLAGS, {"takes_of_test": 2})
    assert (copy.seed, copy.stage, copy.request.takes_of_test, copy.request.kind_of_test) == (3, "generate", 2, "")
    assert list(config) == ["seed"]
