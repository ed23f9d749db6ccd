"""What may stand in each column of a list of events, and how it is read from text of any spreadsheet."""

import math
import re
from typing import Any, NamedTuple

from vis2sound_jax.errors import UserError

NUMBER, WHOLE, TEXT, FLAG = "number", "whole", "text", "flag"
_YES = {"yes", "true", "1", "x", "wahr", "vrai", "ja", "oui"}
_NO = {"", "no", "false", "0", "falsch", "faux", "nein", "non"}
_DECIMAL = re.compile(r"[+-]?\d+,\d+")
_MOST_ID = 2**53  # what a spreadsheet and JSON count exactly
_MOST_SHOWN = 40


class Column(NamedTuple):
    """A column.

    Attributes:
      form: `NUMBER`, `WHOLE`, `TEXT` or `FLAG`.
      default: what an empty cell means.
      low: the smallest number, or the fewest characters.
      high: the largest number, or the most characters.
      what: what is to be given, for people.
    """

    form: str
    default: Any
    low: float
    high: float
    what: str


COLUMNS = {
    "time_s": Column(NUMBER, None, 0.0, 1e6, "seconds from the film's first picture, such as 1.25"),
    "confidence": Column(NUMBER, None, 0.0, 1.0, "a number from 0 to 1, or nothing for an event of your own"),
    "kind": Column(TEXT, "", 0, 100, "a word such as hit or scratch, or nothing"),
    "force_db": Column(NUMBER, None, -100.0, 100.0, "a level beside the film's mean event, from -100 to 100 dB"),
    "x": Column(NUMBER, None, 0.0, 1.0, "the place from the left, from 0 to 1"),
    "y": Column(NUMBER, None, 0.0, 1.0, "the place from the top, from 0 to 1"),
    "id": Column(WHOLE, None, 0, _MOST_ID, "the number that the event has, or nothing for a new one"),
    "gain_db": Column(NUMBER, 0.0, -96.0, 24.0, "a change of level in dB, from -96 to 24"),
    "pitch_cents": Column(NUMBER, 0.0, -2400.0, 2400.0, "hundredths of a semitone, from -2400 to 2400"),
    "pan": Column(NUMBER, 0.0, -1.0, 1.0, "a place from -1 for left to 1 for right"),
    "example": Column(TEXT, "", 0, 255, "the name of an example, or nothing"),
    "piece": Column(WHOLE, None, 1, 100_000, "the number of a piece of the example, from 1, or nothing"),
    "take": Column(WHOLE, None, 1, 100_000, "the number of a take, from 1, or nothing"),
    "muted": Column(FLAG, False, 0, 0, "yes or no"),
    "scratch": Column(NUMBER, None, 0.0, 1.0, "the probability that it is a scratch, from 0 to 1"),
    "note": Column(TEXT, "", 0, 2000, "a text of yours"),
}
"""Name → column, in the order in which they are written; those of older lists of onsets first."""


def read_value(name: str, value: Any) -> Any:
    """Reads a cell.

    Args:
      name: of the column.
      value: text, or a value of JSON.

    Returns:
      A number, an integer, a text or a truth value; the column's default where nothing stands.

    Raises:
      UserError: if it is not what the column holds; the line begins with the column and the value.
    """
    column = COLUMNS[name]
    if value is None or isinstance(value, str) and not value.strip() and column.form != FLAG:
        return column.default
    try:
        read = _READERS[column.form](column, value)
    except ValueError as error:
        raise UserError(f"column {name}, {shown(value)}: {error}; give {column.what}") from None
    if name in ("kind", "example") and "\n" in str(read):
        raise UserError(f"column {name}, {shown(value)}: has several lines; give {column.what}")
    return read


def shown(value: Any) -> str:
    """Shows a value in an error, on one line and cut where it is long.

    Args:
      value: any.

    Returns:
      The value as Python writes it.
    """
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"


def _number(column: Column, value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError("is not a number")
    if isinstance(value, str):
        text = value.strip()
        if _DECIMAL.fullmatch(text):
            text = text.replace(",", ".")
        try:
            found = float(text) if "_" not in text else math.nan
        except ValueError:
            raise ValueError("is not a number") from None
    elif isinstance(value, int | float):
        found = float(value) if abs(value) <= _MOST_ID else math.inf
    else:
        raise ValueError("is not a number")
    if not math.isfinite(found):
        raise ValueError("is not a finite number")
    if not column.low <= found <= column.high:
        raise ValueError("is out of range")
    return found + 0.0  # no minus zero


def _whole(column: Column, value: Any) -> int:
    found = _number(column, value)
    if found != int(found):
        raise ValueError("is not a whole number")
    return int(found)


def _text(column: Column, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is not a text")
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    # Other control characters and halves of pairs do not pass through every form.
    if any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in text):
        raise ValueError("holds characters that cannot be written")
    if "\ufffe" in text or "\uffff" in text:
        raise ValueError("holds characters that cannot be written")
    if len(text) > column.high:
        raise ValueError(f"is longer than {column.high:g} characters")
    return text


def _flag(column: Column, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if isinstance(value, str | int) and word in _YES | _NO:
        return word in _YES
    raise ValueError("is neither yes nor no")


_READERS = {NUMBER: _number, WHOLE: _whole, TEXT: _text, FLAG: _flag}
