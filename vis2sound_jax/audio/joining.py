"""Long films in windows: where the windows begin, and how their predictions become one (Owens et al. 2016, A1.1).

The paper predicts 10 s at a time with 30 % overlap, and passes from one prediction to the next where they differ
least. Steps may be video frames or steps of a cochleagram, as long as all of a call are the same.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from vis2sound_jax.errors import UserError


def window_starts(total: int, window: int, overlap: int) -> list[int]:
    """Lays windows over a recording.

    Args:
      total: steps of the recording, >= 1.
      window: steps of a window.
      overlap: steps that neighbours share, 0 up to window - 1; the last window ends with the recording and may
        share more.

    Returns:
      The first step of each window, ascending; only 0 where the recording is no longer than a window.

    Raises:
      UserError: if windows so long cannot overlap so much.
    """
    if not 0 <= overlap < window:
        raise UserError(f"windows of {window} steps cannot overlap by {overlap}; choose 0 to {window - 1}")
    last = max(total - window, 0)
    return [*range(0, last, window - overlap), last]


def join_windows(predictions: Sequence[Float[np.ndarray, "_ c"]], starts: Sequence[int]) -> Float[np.ndarray, "t c"]:
    """Joins the predictions of overlapping windows.

    From each window to the next there is one hard cut, at the step of their overlap at which the squared
    difference, summed over the channels, is least; the earliest such step that does not lie before the last cut.

    Args:
      predictions: of each window.
      starts: first step of each window, strictly ascending from 0.

    Returns:
      One prediction from step 0 to the end of the last window.

    Raises:
      ValueError: if a window is missing, begins out of order, leaves a gap or ends no later than the one before.
    """
    if not predictions or len(predictions) != len(starts) or starts[0] != 0:
        raise ValueError(f"{len(predictions)} windows with starts {list(starts)}; give one start each, from 0")
    pieces, cut = [], 0
    for k in range(len(starts) - 1):
        end, following = starts[k] + len(predictions[k]), starts[k + 1]
        if not starts[k] < following <= end < following + len(predictions[k + 1]):
            raise ValueError(
                f"window {k + 1} from step {following} does not continue window {k}, steps {starts[k]}-{end}"
            )
        from_step = max(following, cut)
        mine, others = predictions[k][from_step - starts[k] :], predictions[k + 1][from_step - following :]
        apart = ((mine - others[: len(mine)]) ** 2).sum(axis=1)
        next_cut = from_step + (int(apart.argmin()) if len(apart) else 0)
        pieces.append(predictions[k][cut - starts[k] : next_cut - starts[k]])
        cut = next_cut
    return np.concatenate([*pieces, predictions[-1][cut - starts[-1] :]])
