"""Every entry of the released checkpoints, as their key lists tell it, has a place in a network of the file's sizes.

The lists (`condfoley_state_dict_*.txt`: key, shape, type and role of each entry) are not part of the repository; they
are looked for in `$VIS2SOUND_SHARED/specs`, else in `shared/specs` beside the checkout.
"""

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.discriminators import PatchDiscriminator
from vis2sound_jax.models.perceptual import Lpaps
from vis2sound_jax.models.r2plus1d import R2Plus1D
from vis2sound_jax.models.transformer import Transformer
from vis2sound_jax.models.vggishish import Vggishish
from vis2sound_jax.models.video_onset import VideoOnsetNet
from vis2sound_jax.models.vocoder import MelGAN
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.weights.convert import part_of, place
from vis2sound_jax.weights.sizes import sizes_from_state_dict

SHARED = os.environ.get("VIS2SOUND_SHARED") or Path(__file__).parents[3] / "shared"
SPECS = Path(SHARED) / "specs"
MEL, FILM = jnp.zeros((1, 80, 160)), jnp.zeros((1, 2, 16, 16, 3))
STORED = {"use_running_average": True}
TOKENS, PREFIX = jnp.zeros((1, 2), jnp.int32), jnp.zeros((1, 2, 512))

# List, kind, and the variables of a network of given sizes.
CASES: list[tuple[str, str, Callable[..., Any]]] = [
    ("codebook", "codebook", lambda key, **sizes: VQGAN(**sizes).init(key, MEL)),
    ("codebook", "discriminator", lambda key, **sizes: PatchDiscriminator(**sizes).init(key, MEL, **STORED)),
    ("codebook", "perceptual", lambda key, **sizes: Lpaps(**sizes).init(key, MEL, MEL)),
    ("transformer", "codebook", lambda key, **sizes: VQGAN(**sizes).init(key, MEL)),
    ("transformer", "r2plus1d", lambda key, **sizes: R2Plus1D(**sizes).init(key, FILM, **STORED)),
    ("transformer", "transformer", lambda key, **sizes: Transformer(**sizes).init(key, TOKENS, prefix=PREFIX)),
    ("melgan", "melgan", lambda key, **sizes: MelGAN(**sizes).init(key, MEL)),
    ("video_onset", "video_onset", lambda key, **sizes: VideoOnsetNet(**sizes).init(key, FILM, **STORED)),
    ("vggishish_material", "vggishish", lambda key, **sizes: Vggishish(**sizes).init(key, MEL)),
]


def listed(name: str) -> dict[str, np.ndarray]:
    """Entries of the listed shapes that take no memory."""
    path = SPECS / f"condfoley_state_dict_{name}.txt"
    if not path.is_file():
        pytest.skip(f"the key list {path} is not there; set VIS2SOUND_SHARED to the folder that holds specs/")
    rows = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]
    return {key: np.broadcast_to(np.float32(0), json.loads(shape)) for key, shape, *_ in rows}


@pytest.mark.parametrize(("name", "kind", "init"), CASES, ids=[f"{name}-{kind}" for name, kind, _ in CASES])
def test_every_entry_has_its_place(name: str, kind: str, init: Callable[..., Any]) -> None:
    state = listed(name)
    sizes = sizes_from_state_dict(state, kind)
    shapes = jax.eval_shape(functools.partial(init, **sizes), jax.random.key(0))
    leaves = jax.tree_util.tree_leaves_with_path(shapes)
    wanted = {jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape for path, leaf in leaves}
    found = {}
    for key, value in part_of(state, kind).items():
        path, ours = place(key, value, kind)
        found[path] = ours.shape
    assert found == wanted
