"""Between a grid of codes (frequency rows, time columns) and the transformer's sequence of tokens.

Tokens go column by column, row 0 first (the reference's column-major permuter). Where every row has a
codebook of its own, row r's codes are shifted by r times the size of a book, so that a token says its row.
"""

import jax.numpy as jnp
from jaxtyping import Array, Int


def tokens_from_grid(grid: Int[Array, "b r k"], book: int) -> Int[Array, "b n"]:
    """Lays a grid out as tokens.

    Args:
      grid: codes.
      book: codes in one row's own book; 0 where all rows share one book.

    Returns:
      n = rows * columns tokens, time-major.
    """
    shifted = grid + jnp.arange(grid.shape[1])[:, None] * book
    return shifted.transpose(0, 2, 1).reshape(grid.shape[0], -1)


def grid_from_tokens(tokens: Int[Array, "b n"], rows: int, book: int) -> Int[Array, "b r k"]:
    """Inverse of `tokens_from_grid`.

    Args:
      tokens: time-major, n a multiple of `rows`.
      rows: rows of the grid.
      book: codes in one row's own book; 0 where all rows share one book.
    """
    grid = tokens.reshape(tokens.shape[0], -1, rows).transpose(0, 2, 1)
    return grid - jnp.arange(rows)[:, None] * book
