"""Looks through a pickle before it is read, so that a small file cannot take all memory, all time or the stack.

A pickle is a program. What it would build is counted here without building any of it: steps, the nodes of every value
(one that is fetched from the memo again counts again), and how deep values lie in each other.
"""

import pickletools
from collections.abc import Iterator
from typing import IO, Any

from vis2sound_jax.errors import UserError

MOST_BYTES = 1 << 24
"""Of a pickle without its numbers; those of released weights have less than a hundredth."""

_MOST_STEPS = 500_000
_MOST_AGAIN = 1_000_000
_DEEPEST = 200
_LONGEST_NUMBER = 2**80
_ADDING = {"APPEND": 1, "SETITEM": 2, "BUILD": 1}
_ADDING_ALL = ("APPENDS", "SETITEMS", "ADDITEMS")
# What torch writes, and Python's own newer protocols; none of the others is needed for weights.
_KNOWN = frozenset(
    (
        *("PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1"),
        *("BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES"),
        *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_DICT"),
        *("SETITEM", "SETITEMS", "EMPTY_SET", "ADDITEMS", "FROZENSET", "GLOBAL", "STACK_GLOBAL", "REDUCE", "NEWOBJ"),
        *("BUILD", "BINPERSID", "BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET"),
    )
)


class _Value:
    """A value that the pickle would build: its nodes, and how deep it is."""

    __slots__ = ("deep", "nodes")

    def __init__(self, parts: "list[_Value]") -> None:
        self.nodes, self.deep = 1, 1
        self.add(parts)

    def add(self, parts: "list[_Value]") -> None:
        """Counts parts as lying in this value."""
        self.nodes += sum(part.nodes for part in parts)
        self.deep = max([self.deep, *(part.deep + 1 for part in parts)])
        if self.deep > _DEEPEST:
            raise UserError(f"its values lie more than {_DEEPEST} deep in each other")


def walk(file: IO[bytes]) -> None:
    """Looks through the pickle at a file's position, which is then behind it.

    Args:
      file: open for reading.

    Raises:
      UserError: if it has steps that no weights need, or more, deeper or larger ones.
      ValueError: if it is no pickle.
    """
    stack: list[_Value | None] = []
    memo: dict[int, _Value] = {}
    again = 0
    for steps, (opcode, argument) in enumerate(_steps(file)):
        name = opcode.name
        if name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            place = len(memo) if argument is None else int(argument)
            if place > steps:
                raise UserError(f"it keeps place {place} of its memory after {steps} steps")
            memo[place] = _values(stack[-1:])[0]
        elif name in ("BINGET", "LONG_BINGET"):
            value = memo[int(argument)]
            again += value.nodes
            if again > _MOST_AGAIN:
                raise UserError("it repeats its values too often")
            stack.append(value)
        elif name == "MARK":
            stack.append(None)
        elif name not in ("PROTO", "FRAME", "STOP"):
            _take_step(stack, opcode)


def _steps(file: IO[bytes]) -> Iterator[tuple[Any, Any]]:
    for steps, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if steps >= _MOST_STEPS:
            raise UserError(f"it has more than {_MOST_STEPS} steps")
        if opcode.name not in _KNOWN:
            raise UserError(f"it has a step {opcode.name}, which no weights need")
        # Of longer ones, millions can be made that a dictionary cannot tell apart in any good time.
        if isinstance(argument, int) and abs(argument) >= _LONGEST_NUMBER:
            raise UserError("it holds a number of more than 80 bits")
        yield opcode, argument


def _take_step(stack: list[_Value | None], opcode: Any) -> None:
    """Takes from the stack what a step takes, and puts there what it makes."""
    if opcode.name in _ADDING:
        count = _ADDING[opcode.name]
        parts = _values(stack[-count:])
        del stack[-count:]
        _values(stack[-1:])[0].add(parts)
    elif opcode.name in _ADDING_ALL:
        parts = _above_mark(stack)
        _values(stack[-1:])[0].add(parts)
    elif pickletools.markobject in opcode.stack_before:
        stack.append(_Value(_above_mark(stack)))
    else:
        count = len(opcode.stack_before)
        parts = _values(stack[len(stack) - count :]) if count else []
        if len(parts) < count:
            raise ValueError("a step takes more than there is")
        del stack[len(stack) - count :]
        stack.append(_Value(parts))


def _above_mark(stack: list[_Value | None]) -> list[_Value]:
    place = len(stack) - 1 - stack[::-1].index(None)
    parts = _values(stack[place + 1 :])
    del stack[place:]
    return parts


def _values(parts: list[_Value | None]) -> list[_Value]:
    """The values alone; a mark among them, or nothing, is an error of the pickle."""
    found = [part for part in parts if part is not None]
    if not found and parts or len(found) < len(parts):
        raise ValueError("a step takes a mark")
    return found
