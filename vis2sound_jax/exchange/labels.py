"""An event as the text of a marker: a name for people, and in brackets all that must come back exactly."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from vis2sound_jax.exchange.columns import COLUMNS, NUMBER, TEXT
from vis2sound_jax.exchange.events import Event

AT = "at"
"""What the exact time is called within the brackets."""
KNOWN_KINDS = ("hit", "scratch")
"""Words that are a kind where a marker holds nothing else."""
_ANY = "event"
_PLAIN_KIND = re.compile(r"\w(?:[\w .-]*\w)?")
_TOKEN = re.compile(r"\s*(\w+)=(\"(?:[^\"\\]|\\.)*\"|[^\s\"\]]+)")
_NUMBER_OF = re.compile(r"#(\d{1,16})$")
_NOT_PLAIN = "|\u2028\u2029"  # what separates fields or lines in some form
_NOT_IN_DETAIL = ("id", "kind", "time_s")


def name_of(event: Event) -> str:
    """Names an event for people.

    Args:
      event: of a list.

    Returns:
      Its kind, or "event", and its number: "hit #12".
    """
    kind = event.kind if _is_plain(event.kind) else _ANY
    return kind if event.id is None else f"{kind} #{event.id}"


def detail_of(event: Event) -> str:
    """Says all of an event but its number, on one line.

    Args:
      event: of a list.

    Returns:
      Such as `[at=1.25 confidence=0.8 note="a door"]`; it holds no | and no line ends.
    """
    words = [f"{AT}={_number(event.time_s)}"]
    for name, value in event.changes().items():
        if name not in _NOT_IN_DETAIL:
            words.append(f"{name}={_word(name, value)}")
    if event.kind and not _is_plain(event.kind):
        words.append(f"kind={_word('kind', event.kind)}")
    return f"[{' '.join(words)}]"


def label_of(event: Event) -> str:
    """Says all of an event on one line.

    Args:
      event: of a list.

    Returns:
      Name and detail.
    """
    return f"{name_of(event)} {detail_of(event)}"


def values_of(text: str, comment: str = "") -> dict[str, Any]:
    """Reads the text of a marker, of ours or of anybody.

    Args:
      text: its name, with or without the brackets.
      comment: its comment, where the form has two texts; the brackets may be there.

    Returns:
      Column → value, with the exact time under `AT`. Of a marker without our brackets the text is the note, or the kind
      if it is a single known one.
    """
    for place in (comment, text):
        head, found, rest = _bracketed(place)
        if found is None:
            continue
        name = text if place is comment else head
        further = " ".join(filter(None, (rest, head if place is comment else comment.strip())))
        return _joined(name.strip(), found, further)
    text = " / ".join(filter(None, (text.strip(), comment.strip())))
    return {"kind": text.lower()} if text.lower() in KNOWN_KINDS else {"note": text}


def at_or(values: Mapping[str, Any], time_s: float, same: Callable[[float], bool]) -> dict[str, Any]:
    """Settles the time of a marker: exactly as it was where nobody moved it.

    Args:
      values: as `values_of` gave them.
      time_s: where the marker is.
      same: whether a time is written as this one is.

    Returns:
      The values with `time_s`.
    """
    found = {name: value for name, value in values.items() if name != AT}
    try:
        at = float(values.get(AT, "nan"))
    except ValueError:
        at = float("nan")
    return {**found, "time_s": at if abs(at) < 1e6 and same(at) else time_s}


def _bracketed(text: str) -> tuple[str, dict[str, Any] | None, str]:
    """What stands before our brackets, in them and after them."""
    begin = text.find(f"[{AT}=")
    if begin < 0:
        return text, None, ""
    found: dict[str, Any] = {}
    place = begin + 1
    while match := _TOKEN.match(text, place):
        name, word = match.groups()
        found[name] = _text(word) if word.startswith('"') else word
        place = match.end()
    if text[place : place + 1] != "]":
        return text, None, ""
    return text[:begin].strip(), found, text[place + 1 :].strip()


def _joined(name: str, found: dict[str, Any], further: str) -> dict[str, Any]:
    number = _NUMBER_OF.search(name)
    kind = name[: number.start()].strip() if number else name
    values: dict[str, Any] = {"id": number[1]} if number else {}
    if kind != _ANY:
        values["kind"] = kind
    values |= found
    if further:
        values["note"] = f"{values['note']} / {further}" if values.get("note") else further
    return values


def _is_plain(kind: str) -> bool:
    return bool(_PLAIN_KIND.fullmatch(kind)) and kind != _ANY


def _word(name: str, value: Any) -> str:
    if COLUMNS[name].form == TEXT:
        text = json.dumps(value, ensure_ascii=False)
        return "".join(f"\\u{ord(c):04x}" if c in _NOT_PLAIN else c for c in text)
    if value is True:
        return "yes"
    return _number(value) if COLUMNS[name].form == NUMBER else str(value)


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _text(word: str) -> str:
    try:
        return str(json.loads(word))
    except ValueError:
        return word.strip('"')
