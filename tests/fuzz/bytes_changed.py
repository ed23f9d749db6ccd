"""Damage to the bytes of a file: what a broken download, a bad disk or somebody who means harm does to it."""

from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

HOWS = ("flip", "zero", "fill", "cut", "truncate", "insert", "double", "swap")
MOST_BYTES = 1 << 22


class Change(NamedTuple):
    """One change: where it begins and how far it reaches, as shares of the file, and what is written."""

    how: str
    place: float
    length: int
    value: int


def changes(most: int = 6) -> st.SearchStrategy[list[Change]]:
    """A few changes, more of them in the first bytes, where headers lie."""
    place = st.one_of(st.floats(0, 0.02), st.floats(0.98, 1), st.floats(0, 1))
    length = st.one_of(st.integers(1, 8), st.integers(1, 4000))
    return st.lists(st.builds(Change, st.sampled_from(HOWS), place, length, st.integers(0, 255)), max_size=most)


def changed(data: bytes, wanted: list[Change]) -> bytes:
    """Does the changes one after another."""
    for how, place, length, value in wanted:
        first = min(int(place * len(data)), max(len(data) - 1, 0))
        last, made = min(first + length, len(data)), bytearray(data)
        piece = made[first:last]
        if how == "flip" and piece:
            made[first] ^= value or 1
        elif how == "zero":
            made[first:last] = bytes(len(piece))
        elif how == "fill":
            made[first:last] = bytes([value]) * len(piece)
        elif how == "cut":
            del made[first:last]
        elif how == "truncate":
            del made[first:]
        elif how == "insert":
            made[first:first] = bytes([value]) * length
        elif how == "double":
            made[first:first] = piece
        elif how == "swap":
            made[first:last] = piece[::-1]
        data = bytes(made[:MOST_BYTES])
    return data


def change(path: Path, wanted: list[Change]) -> None:
    """Does the changes to a file."""
    if wanted:
        path.write_bytes(changed(path.read_bytes(), wanted))
