"""What a compiled program sends between devices, read from its text.

The text is XLA's, `compiled.as_text()`, after partitioning: shapes are those of one device's part.
"""

import dataclasses
import functools
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

KINDS = ("all-reduce", "all-gather", "reduce-scatter", "collective-permute", "all-to-all")

_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\) -> .*\{$")
_COLLECTIVE = re.compile(rf"^\s+(?:ROOT )?%?([\w.\-]+) = (.+?) ({'|'.join(KINDS)})(-start)?\(")
_CALLED = re.compile(
    r"\b(body|calls|to_apply|true_computation|false_computation|branch_computations)=(\{[^}]*\}|%?[\w.\-]+)"
)
_TRIPS = re.compile(r'"known_trip_count":\s*\{"n":\s*"(\d+)"\}')
_ARRAY = re.compile(r"\b([a-z]\w*)\[([\d,<= ]*)\]")
_LISTED_GROUP = re.compile(r"replica_groups=\{\{([\d,]*)\}")
_IOTA_GROUPS = re.compile(r"replica_groups=\[([\d,]+)\]<=\[([\d,]+)\](?:T\(([\d,]+)\))?")
_PAIRS = re.compile(r"source_target_pairs=\{([\d,{} ]*)\}")
_PARTS = re.compile(r"\b(?:num_partitions|replica_count)=(\d+)")
_SOURCE = re.compile(r'op_name="([^"]*)"')


@dataclasses.dataclass(frozen=True)
class Collective:
    """One instruction that moves data between devices.

    Attributes:
      kind: one of `KINDS`.
      bytes: of the whole array on one device: what is reduced, what a gather gives, what a scatter takes, what is sent.
      group: the devices of the first group, as places in the mesh, in order; all groups are alike.
      count: how often a run of the program does it; a loop of unknown length counts once.
      name: of the instruction.
      source: where in the traced program it comes from, "" if the text does not say.
    """

    kind: str
    bytes: int
    group: tuple[int, ...]
    count: int
    name: str
    source: str

    @property
    def group_size(self) -> int:
        """Devices that take part together."""
        return len(self.group)

    @property
    def sent_bytes(self) -> float:
        """Bytes that each device sends for all of `count`, if the group is a ring."""
        rounds = {"all-reduce": 2 * (self.group_size - 1), "collective-permute": self.group_size}
        return self.count * self.bytes * rounds.get(self.kind, self.group_size - 1) / self.group_size


def collectives(hlo_text: str) -> list[Collective]:
    """Lists what a program sends, synchronous and `-start` forms alike.

    Args:
      hlo_text: a compiled program's text.

    Returns:
      One entry an instruction, those within loops with the loop's number of rounds. Groups of a single device send
      nothing and are left out.
    """
    bodies, entry = _computations(hlo_text)
    parts = math.prod(int(number) for number in _PARTS.findall(hlo_text.partition("\n")[0]))

    @functools.cache
    def inside(name: str) -> tuple[Collective, ...]:
        found: list[Collective] = []
        for line in bodies.get(name, ()):
            one = _collective(line, parts)
            if one is not None and one.group_size > 1:
                found.append(one)
            found.extend(
                dataclasses.replace(inner, count=times * inner.count)
                for called, times in _calls(line)
                for inner in inside(called)
            )
        return tuple(found)

    return list(inside(entry))


def totals(found: Sequence[Collective]) -> dict[str, tuple[int, int]]:
    """Adds up what `collectives` found.

    Returns:
      Kind → how many there are and their bytes together, in the order of `KINDS`; kinds that do not occur are left out.
    """
    counted = {kind: [one for one in found if one.kind == kind] for kind in KINDS}
    return {
        kind: (sum(one.count for one in some), sum(one.count * one.bytes for one in some))
        for kind, some in counted.items()
        if some
    }


def group_axes(group: Sequence[int], axes: Mapping[str, int]) -> tuple[str, ...]:
    """Names the axes of a mesh along which the devices of a group differ.

    Args:
      group: places in the mesh, counted with its last axis fastest.
      axes: axis → devices on it, in the mesh's order.

    Returns:
      The names, in the mesh's order.
    """
    stride, found = math.prod(axes.values()), []
    for name, size in axes.items():
        stride //= size
        if len({place // stride % size for place in group}) > 1:
            found.append(name)
    return tuple(found)


def axis_group(names: Collection[str], axes: Mapping[str, int]) -> tuple[int, ...]:
    """Lists the first group of places that differ along given axes; the inverse of `group_axes`.

    Args:
      names: of axes.
      axes: axis → devices on it, in the mesh's order.

    Returns:
      Places in the mesh, in order.
    """
    stride, places = math.prod(axes.values()), [0]
    for name, size in axes.items():
        stride //= size
        places = [place + stride * k for place in places for k in range(size if name in names else 1)]
    return tuple(places)


def _computations(text: str) -> tuple[dict[str, list[str]], str]:
    """Splits a program into its computations, and names the one that is run."""
    bodies: dict[str, list[str]] = {}
    entry, lines = "", None
    for line in text.splitlines():
        begun = None if line.startswith(" ") else _COMPUTATION.match(line)
        if begun:
            lines = bodies.setdefault(begun[2], [])
            entry = begun[2] if begun[1] else entry
        elif line.startswith("}"):
            lines = None
        elif lines is not None:
            lines.append(line)
    return bodies, entry


def _calls(line: str) -> Iterator[tuple[str, int]]:
    """Names the computations that an instruction runs, and how often."""
    for role, names in _CALLED.findall(line):
        trips = _TRIPS.search(line) if role == "body" else None
        for name in re.findall(r"[\w.\-]+", names):
            yield name, int(trips[1]) if trips else 1


def _collective(line: str, parts: int) -> Collective | None:
    found = _COLLECTIVE.match(line)
    if found is None:
        return None
    name, shape, kind, started = found.groups()
    group, source = _group(line, parts), _SOURCE.search(line)
    sizes = [_array_bytes(dtype, dims) for dtype, dims in _ARRAY.findall(shape)]
    if started and kind == "collective-permute":
        sizes = sizes[1:2]  # what is sent, what is received, and two contexts
    elif started and kind != "all-reduce":
        sizes = sizes[len(sizes) // 2 :]  # what goes in, then what comes out
    total = sum(sizes) * (len(group) if kind == "reduce-scatter" else 1)
    return Collective(kind, total, group, 1, name, source[1] if source else "")


def _array_bytes(dtype: str, dims: str) -> int:
    count = math.prod(int(size) for size in re.findall(r"\d+", dims))
    width = re.search(r"\d+", dtype)
    bits = 8 if dtype == "pred" else int(width[0]) if width else 0
    return -(-count * bits // 8)


def _group(line: str, parts: int) -> tuple[int, ...]:
    """The first group of devices, in whichever way the text writes groups; no group stands for all devices."""
    pairs, listed, iota = _PAIRS.search(line), _LISTED_GROUP.search(line), _IOTA_GROUPS.search(line)
    if pairs:
        return _linked([(int(a), int(b)) for a, b in re.findall(r"(\d+),(\d+)", pairs[1])])
    if listed:
        return tuple(sorted(int(place) for place in listed[1].split(",") if place))
    if iota:
        return _iota_group(*(_numbers(part) for part in iota.groups()))
    return tuple(range(parts))


def _numbers(text: str | None) -> list[int]:
    return [int(number) for number in text.split(",")] if text else []


def _iota_group(groups: list[int], dims: list[int], order: list[int]) -> tuple[int, ...]:
    """The first row of `[groups]<=[dims]T(order)`: all places laid out as `dims`, transposed, cut into rows."""
    order = order or list(range(len(dims)))
    strides = [math.prod(dims[axis + 1 :]) for axis in range(len(dims))]
    found = []
    for k in range(groups[-1]):
        place = 0
        for axis in reversed(order):
            k, digit = divmod(k, dims[axis])
            place += digit * strides[axis]
        found.append(place)
    return tuple(sorted(found))


def _linked(pairs: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """The devices that the first pair's are linked with, directly or through others."""
    group = set(pairs[0]) if pairs else set()
    for _ in pairs:
        group |= {place for pair in pairs if group & set(pair) for place in pair}
    return tuple(sorted(group))
