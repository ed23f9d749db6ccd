"""The recorder of settings: whatever way a value is asked for, its dotted name is noted."""

from collections.abc import Callable
from typing import Any

import pytest
from ml_collections import ConfigDict

from tests.recorder import Reads, Recorded, recorded, unlisted
from vis2sound_jax.run.stage import Stage


def config() -> ConfigDict:
    return ConfigDict({"seed": 0, "mel": {"hop": 256, "bins": {"low": 1, "high": 2}}, "data": {"fps": 25.0}}).lock()


@pytest.mark.parametrize(
    ("ask", "noted"),
    [
        (lambda given: given.seed, {"seed"}),
        (lambda given: given["mel"]["hop"], {"mel.hop"}),
        (lambda given: given.mel.get("hop"), {"mel.hop"}),
        (lambda given: given.get("nothing", 1), set()),
        (lambda given: given.mel, set()),
        (lambda given: ("hop" in given.mel, list(given.mel), len(given.mel), given.mel.keys()), set()),
        (lambda given: given.mel.to_json(), {"mel.hop", "mel.bins.low", "mel.bins.high"}),
        (lambda given: given.mel.bins.to_dict(), {"mel.bins.low", "mel.bins.high"}),
        (lambda given: dict(given.mel.bins.items()), {"mel.bins.low", "mel.bins.high"}),
        (lambda given: list(given.data.values()), {"data.fps"}),
        (lambda given: {**given.data}, {"data.fps"}),
        (lambda given: given.copy_and_resolve_references().mel.bins.low, {"mel.bins.low"}),
    ],
)
def test_what_is_read_is_noted(ask: Callable[[Any], Any], noted: set[str]) -> None:
    reads: Reads = {}
    ask(recorded(config(), "stage", reads))
    assert reads == {"stage": noted}


def test_values_are_those_of_the_config_and_a_copy_takes_others() -> None:
    given = Recorded(config(), lambda name: None)
    assert (given.seed, given.mel.bins.high, given.to_json()) == (0, 2, config().to_json())
    copy = given.copy_and_resolve_references()
    with copy.unlocked():
        copy.stage = "encoder"
    copy.mel.hop = 128
    assert (copy.stage, copy.mel.hop, given.mel.hop, "stage" in given) == ("encoder", 128, 256, False)


def test_what_no_list_covers_is_found() -> None:
    stages = {"learn": Stage("learn", "nowhere", "learns", reads=("mel.bins", "seed"))}
    assert unlisted(stages, {"learn": {"mel.bins.low", "seed", "training.keep", "request.video"}}) == {}
    assert unlisted(stages, {"learn": {"mel.hop", "seeds", "seed"}}) == {"learn": ["mel.hop", "seeds"]}
