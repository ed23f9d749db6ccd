"""Set-up of every test: eight virtual CPU devices, parsed flags, array types checked at run time."""

import os
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import pytest
from absl import flags
from jaxtyping import install_import_hook

import tests.typecheck  # noqa: F401  The hook finds it by its name.

# Before the first use of a device; plain tests run on the first and are no slower for the others.
jax.config.update("jax_num_cpu_devices", 8)

# grain reads absl flags, which nobody parses under pytest.
flags.FLAGS.mark_as_parsed()

pytest_plugins = ["tests.film_fixtures", "tests.recording_fixtures"]

# Pure rooms only: Flax unflattens modules and states with abstract leaves, which a check would refuse.
install_import_hook(
    [
        "vis2sound_jax.audio",
        "vis2sound_jax.video.frames",
        "vis2sound_jax.decoding",
    ],
    "tests.typecheck.check",
)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workdir of a finished run of all stages; it is for reading. What they read stands beside it."""
    from tests.tiny_run import call_alone, command

    workdir = tmp_path_factory.mktemp("tiny") / "run"
    answer = call_alone(*command(workdir), reads=workdir.with_name("reads.json"))
    assert answer.code == 0, answer.err
    return workdir


@pytest.fixture(scope="session")
def tiny_vis_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workdir of a finished run of Visually Indicated Sounds, both tasks; it is for reading."""
    from tests.tiny_run import call_alone, vis_command

    workdir = tmp_path_factory.mktemp("tiny_vis") / "run"
    answer = call_alone(*vis_command(workdir), reads=workdir.with_name("reads.json"))
    assert answer.code == 0, answer.err
    return workdir
