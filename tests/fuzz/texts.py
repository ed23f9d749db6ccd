"""Text files that people write or edit: times of events, lists of recordings, answers of a study, JSON."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.bytes_changed import Change, changed, changes
from vis2sound_jax.listening.table import COLUMNS

# What editors, spreadsheets and other alphabets leave.
ODD = (
    *("", " ", "\t", "\ufeff", "\x00", "\u2028", "é", "日本", "$_{", "<b>", "'", '"', "../x", "/etc", "\\", "\udcff"),
    *("😀", "-", "None", "nan"),
)  # fmt: skip
NUMBERS = ("0", "0.5", "1e3", "-1", "nan", "inf", "1,5", "0x10", "1_0", "١", "9" * 400, "1e400", "", "0.2.3", "+.5")
odd = st.one_of(st.sampled_from(ODD), st.text(max_size=5))
number = st.one_of(st.floats(0, 2).map(str), st.sampled_from(NUMBERS))
ends = st.sampled_from(("\n", "\n", "\r\n", "\r", "\n\n", "\x0b", "\x85", ""))
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), odd, st.integers(-(2**80), 2**80)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(odd, inner, max_size=3)),
    max_leaves=6,
)


def encoded(text: str, harm: list[Change] = []) -> bytes:  # noqa: B006  Nothing changes it.
    """The bytes of a text that may hold halves of characters."""
    return changed(text.encode("utf-8", "surrogatepass"), harm)


def times() -> st.SearchStrategy[bytes]:
    """A `_times.txt`: most lines well formed."""
    label = st.one_of(st.sampled_from(("wood", "metal", "hit", "scratch", "static", "None")), odd)
    good = st.tuples(st.floats(0, 1).map(str), *[st.sampled_from(("wood", "metal", "None"))] * 3).map(" ".join)
    bad = st.lists(st.one_of(number, label), max_size=5).map(" ".join)
    line = st.one_of(good, good, good, bad)
    text = st.lists(st.tuples(line, ends).map("".join), max_size=6).map("".join)
    return st.builds(encoded, text, st.one_of(st.just([]), st.just([]), changes(2)))


def lists(ids: tuple[str, ...]) -> st.SearchStrategy[bytes]:
    """A list of recordings."""
    entry = st.one_of(st.sampled_from(ids), st.sampled_from(ids), st.sampled_from(ids), odd)
    text = st.lists(st.tuples(entry, ends).map("".join), max_size=5).map("".join)
    return st.builds(encoded, text, st.one_of(st.just([]), st.just([]), changes(2)))


def spans(ids: tuple[str, ...]) -> st.SearchStrategy[bytes]:
    """The parts of recordings that were annotated: `manifest.json`."""
    span = st.one_of(st.lists(st.floats(0, 2), min_size=2, max_size=2), json_values)
    entry = st.one_of(st.fixed_dictionaries({"video": st.sampled_from(ids), "annotated": span}), json_values)
    return documents(st.one_of(st.lists(entry, max_size=3), json_values))


def documents(values: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """JSON files, some of them cut or damaged."""
    text = values.map(lambda value: json.dumps(value))
    return st.builds(encoded, text, st.one_of(st.just([]), st.just([]), changes(2)))


def answers() -> st.SearchStrategy[bytes]:
    """The CSV of a listening study."""
    side, name = st.sampled_from(("left", "right")), st.sampled_from(("ann", "bob", "a b", "é"))

    def row(who: str, item: int, left: str, taken: str, ms: str) -> list[str]:
        fixed = [who, f"item{item}", f"rec{item}", "take", "wood", "hit", "None"]
        return [*fixed, left, taken, str(int(left == taken)), ms]

    rows = st.builds(row, name, st.integers(0, 9), side, side, st.one_of(st.integers(1, 9999).map(str), number))
    spoilt = st.tuples(rows, st.integers(0, 12), odd).map(lambda t: [*t[0][: t[1]], t[2], *t[0][t[1] + 1 :]])
    heads = st.one_of(*[st.just(",".join(COLUMNS))] * 4, odd, st.permutations(COLUMNS).map(",".join))
    lines = st.lists(st.one_of(rows, rows, rows, spoilt).map(",".join), max_size=6)
    text = st.builds(lambda head, body, end: end.join([head, *body]) + end, heads, lines, ends)
    return st.builds(encoded, text, st.one_of(st.just([]), st.just([]), changes(2)))


def edited(value: Any, draw: st.DrawFn) -> Any:
    """A JSON value with one of its inner values put out, renamed or replaced."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(value)))
        what = draw(st.sampled_from(("in", "in", "in", "out", "named", "other")))
        rest = {name: one for name, one in value.items() if name != key}
        if what == "out":
            return rest
        if what == "named":
            return {**rest, draw(odd): value[key]}
        return {**value, key: draw(json_values) if what == "other" else edited(value[key], draw)}
    if isinstance(value, list) and value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], edited(value[place], draw), *value[place + 1 :]]
    return draw(json_values)


def put(folder: Path, files: dict[str, bytes]) -> None:
    """Writes files into a folder."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
