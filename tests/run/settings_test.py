"""The sections that all systems share: a config of plain values that a system completes."""

import json

from vis2sound_jax.run.settings import shared
from vis2sound_jax.run.stage import FREE, PREPARE


def test_a_config_begins_with_its_names_and_every_shared_section() -> None:
    config = shared("demo", "tests.run.demo_system", "small")
    assert (config.name, config.system, config.preset, config.seed) == ("demo", "tests.run.demo_system", "small", 0)
    # What any stage may read is there, but for what is added for a stage or a system.
    assert set(FREE) - {"stages", "stage", "request"} <= set(config) and set(PREPARE.reads) <= set(config)
    assert json.loads(config.to_json())["mesh"] == {"data": -1, "fsdp": 1, "model": 1}


def test_every_config_is_its_own() -> None:
    first, second = (shared("demo", "demo", "small") for _ in range(2))
    first.data.fps = 1.0
    assert second.data.fps == 25.0
