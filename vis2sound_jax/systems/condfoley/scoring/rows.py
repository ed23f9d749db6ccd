"""The rows of the table of soundtracks: their names, and what each changes.

Rows of the transformer differ in the condition that it is given, or are of a transformer that was trained otherwise;
rows of copies paste hits of the example. The row `SHUFFLED_ROW` is the paper's random condition: the window of a pair
of another recording of the test set.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.generation.compose import Composer
from vis2sound_jax.retrieval.onset_transfer import onset_transfer, published_transfer
from vis2sound_jax.systems.condfoley.chain import Foley

TAKE_ROW = "take"
BEST_ROW = "best of {}"
NO_CONDITION_ROW = "no condition"
NO_CONDITION_VIDEO_ROW = "no condition video"
SHUFFLED_ROW = "shuffled condition"
ABLATION_ROWS = {"no_condition": "trained without a condition", "no_augmentation": "trained without augmentation"}
TRANSFER_ROW = "onset transfer"
PUBLISHED_TRANSFER_ROW = "onset transfer, published cuts"
CODES_ROW = "true codes"
VOCODER_ROW = "true mel, vocoder"

TRANSFER_CONFIDENCE = 0.4
"""Onset transfer stands by events that the video encoder gives at least this probability."""


def ablated(
    composer: Composer, batch: Mapping[str, np.ndarray], shuffled: Mapping[str, np.ndarray]
) -> dict[str, Mapping[str, Any]]:
    """Lays out what the transformer is given in each ablation that needs no training of its own.

    Args:
      composer: knows how a condition is hidden.
      batch: pairs as `TransformerTask` takes them.
      shuffled: the same pairs with the conditions of others.

    Returns:
      By row, the batch. Without its video the example is heard only, as a bare sound given by a user is. A network
      that was never trained with hidden conditions has no row without one.
    """
    blind = {**batch, "condition_video": np.zeros_like(batch["condition_video"])}
    hidden = {NO_CONDITION_ROW: composer.hidden(batch)} if composer.maskable else {}
    return {**hidden, NO_CONDITION_VIDEO_ROW: blind, SHUFFLED_ROW: shuffled}


def ablated_chains(foley: Foley, workdir: Path) -> dict[str, Foley]:
    """Loads the ablations that `config.ablations` names.

    Args:
      foley: the chain.
      workdir: of its run.

    Returns:
      By ablation, the same chain but for the transformer and the video network that it has of its own.

    Raises:
      UserError: if one was not trained.
    """
    return {name: foley.ablated(name, workdir) for name in foley.config.ablations}


def copied(
    example: np.ndarray, rate_hz: int, seen: tuple[np.ndarray, np.ndarray], length: int, seed: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Pastes hits of the example at the events that are seen, by the corrected rule and by the paper's.

    Args:
      example: [m] the example's sound.
      rate_hz: sample rate of both sounds.
      seen: (times in seconds, confidence) of the events seen in the target window.
      length: samples of the soundtrack.
      seed: chooses the hits; both rules begin with it.

    Returns:
      By row, the soundtrack [length].
    """
    times_s = seen[0][seen[1] >= TRANSFER_CONFIDENCE]
    rules = {TRANSFER_ROW: onset_transfer, PUBLISHED_TRANSFER_ROW: published_transfer}
    return {
        row: rule(example, rate_hz, times_s, length, np.random.default_rng(seed)).wav for row, rule in rules.items()
    }
