"""What a user may have meant."""

import difflib
from collections.abc import Sequence


def nearest(word: str, choices: Sequence[str]) -> str:
    """Suggests the nearest of several words.

    Args:
      word: as the user wrote it.
      choices: what it may be.

    Returns:
      "; did you mean 'WORD'?", or nothing where there is no choice.
    """
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.0)
    return f"; did you mean {close[0]!r}?" if close else ""
