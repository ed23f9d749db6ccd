"""Set-up of every test: eight virtual CPU devices, parsed flags, array types checked at run time."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
from absl import flags
from jaxtyping import install_import_hook

import tests.typecheck  # noqa: F401  The hook finds it by its name.

# Before the first use of a device; plain tests run on the first and are no slower for the others.
jax.config.update("jax_num_cpu_devices", 8)

# grain reads absl flags, which nobody parses under pytest.
flags.FLAGS.mark_as_parsed()

# Pure rooms only: Flax unflattens modules and states with abstract leaves, which a check would refuse.
install_import_hook(
    [
        "vis2sound_jax.audio",
        "vis2sound_jax.video.frames",
        "vis2sound_jax.decoding",
        "vis2sound_jax.evaluation.metrics",
    ],
    "tests.typecheck.check",
)
