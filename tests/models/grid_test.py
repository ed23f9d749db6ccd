"""Laws of the layout of codes: there and back, column by column, every row its own tokens."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.grid import grid_from_tokens, tokens_from_grid

ROWS, COLUMNS, CODES = 3, 4, 7


@pytest.fixture
def grid() -> jax.Array:
    return jax.random.randint(jax.random.key(0), (2, ROWS, COLUMNS), 0, CODES)


@pytest.mark.parametrize("book", [0, CODES], ids=["shared book", "own books"])
def test_there_and_back(grid: jax.Array, book: int) -> None:
    tokens = tokens_from_grid(grid, book)
    assert tokens.shape == (2, ROWS * COLUMNS)
    np.testing.assert_array_equal(grid_from_tokens(tokens, ROWS, book), grid)
    np.testing.assert_array_equal(tokens_from_grid(grid_from_tokens(tokens, ROWS, book), book), tokens)


def test_tokens_go_column_by_column_low_row_first() -> None:
    grid = jnp.arange(6).reshape(1, 2, 3)
    np.testing.assert_array_equal(tokens_from_grid(grid, 0), [[0, 3, 1, 4, 2, 5]])
    np.testing.assert_array_equal(tokens_from_grid(grid, 10), [[0, 13, 1, 14, 2, 15]])


def test_tokens_of_a_cut_grid_are_a_cut_of_the_tokens(grid: jax.Array) -> None:
    np.testing.assert_array_equal(tokens_from_grid(grid[:, :, 1:3], CODES), tokens_from_grid(grid, CODES)[:, 3:9])


def test_every_row_has_tokens_of_its_own_unless_it_shares_a_book(grid: jax.Array) -> None:
    row = np.arange(ROWS * COLUMNS) % ROWS
    np.testing.assert_array_equal(tokens_from_grid(grid, CODES) // CODES, [row, row])
    assert tokens_from_grid(grid, 0).max() < CODES
