"""How example and film reach the transformer: the layout of its inputs, and hiding them.

A batch holds `condition` and `target` int32 [b, n] tokens, `condition_video` and `target_video` float32
[b, p, g] and, where the video is aligned, `style` float32 [b, e].
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool

CONDITION = ("condition", "condition_video", "style")


def sequence_inputs(batch: Mapping[str, Any], *, prefix: bool) -> dict[str, Any]:
    """Lays a batch out as the arguments of `Transformer`; the last token is only predicted.

    Args:
      batch: as above.
      prefix: the paper's layout: both films' features, then both codes. Otherwise the position that
        predicts a code gets the video feature of that code's moment.

    Returns:
      Keyword arguments of the network.
    """
    tokens = jnp.concatenate([batch["condition"], batch["target"]], axis=1)[:, :-1]
    video = jnp.concatenate([batch["condition_video"], batch["target_video"]], axis=1)
    if prefix:
        return {"tokens": tokens, "prefix": video}
    return {"tokens": tokens, "aligned": video[:, 1:], "style": batch["style"]}


def hide(batch: Mapping[str, Any], which: Bool[Array, " b"], *, mask_token: int, film: bool) -> dict[str, Any]:
    """Hides the condition of some examples: mask tokens and zero features.

    Args:
      batch: as above.
      which: where to hide.
      mask_token: the token beyond all codes.
      film: whether to hide the target's film too.

    Returns:
      The changed batch.
    """
    hidden = dict(batch)
    for name in (*CONDITION, "target_video") if film else CONDITION:
        if name in hidden:
            value = jnp.asarray(hidden[name])
            blank = mask_token if name == "condition" else 0
            hidden[name] = jnp.where(which.reshape((-1,) + (1,) * (value.ndim - 1)), blank, value)
    return hidden
