"""Laws of watching: windows of one size over a film that is read once, its ends turned back."""

from collections.abc import Iterator

import numpy as np
import pytest

from vis2sound_jax.systems.vis.watching import WINDOW_FRAMES, Shot, film_windows


def shot(t: int) -> Shot:
    """Frames whose value is their number, modulo 250."""
    numbers = (np.arange(t) % 250).astype(np.uint8)
    return Shot(np.tile(numbers[:, None, None], (1, 2, 2)), np.tile(numbers[:, None, None, None], (1, 2, 2, 3)))


def at_once(film: Shot) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same windows from the whole film in memory."""
    held = -len(film) % WINDOW_FRAMES
    grey = np.pad(film.grey, ((1, held + 1), (0, 0), (0, 0)), mode="symmetric")
    colour = np.pad(film.colour, ((0, held), (0, 0), (0, 0), (0, 0)), mode="edge")
    for start in range(0, len(colour), WINDOW_FRAMES):
        yield grey[start : start + WINDOW_FRAMES + 2], colour[start : start + WINDOW_FRAMES]


@pytest.mark.parametrize("t", [1, 5, 89, 90, 91, 95, 180, 181, 269, 400])
def test_windows_are_those_of_the_whole_film(t: int) -> None:
    found, expected = list(film_windows(shot(t))), list(at_once(shot(t)))
    assert len(found) == len(expected) == -(-t // WINDOW_FRAMES)
    for (grey, colour), (whole_grey, whole_colour) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(grey, whole_grey)
        np.testing.assert_array_equal(colour, whole_colour)


def test_a_film_is_read_once_and_in_order() -> None:
    read: list[int] = []

    class Reel:
        def __len__(self) -> int:
            return 300

        def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            for k, pair in enumerate(shot(300)):
                read.append(k)
                yield pair

    assert len(list(film_windows(Reel()))) == 4 and read == list(range(300))
