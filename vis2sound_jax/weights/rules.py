"""Rules that rename and re-lay one entry of a checkpoint, both ways.

Reference arrays are laid out as torch keeps them: convolutions [out, in, ...], linear maps [out, in]; ours as Flax
keeps them, inputs before outputs and both after the kernel's axes.
"""

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped

Weight = Shaped[np.ndarray, "..."]
"""One array of a file of weights: any type and shape."""


class Layout(NamedTuple):
    """A change of layout and its inverse; both raise ValueError if the array has other axes.

    Attributes:
      ours: from the reference's layout to ours.
      theirs: from ours to the reference's.
    """

    ours: Callable[[Weight], Weight]
    theirs: Callable[[Weight], Weight]


class Rule(NamedTuple):
    r"""One line of a table.

    Attributes:
      pattern: regular expression that the whole reference key must match: plain text with `\.` for a dot, and groups
        that hold no groups. Every group must return in the path, so that the rule can be read backwards.
      path: our path, `collection/module/.../name`, with the pattern's groups as `\1`.
      transform: the change of layout.
    """

    pattern: str
    path: str
    transform: Layout


class Table(NamedTuple):
    """How one model is stored in released files.

    Attributes:
      prefixes: under which the model's keys may stand; the first that occurs in a file is taken.
      rules: the keys to read.
      ignored: patterns of keys that carry nothing to convert.
    """

    prefixes: tuple[str, ...]
    rules: tuple[Rule, ...]
    ignored: tuple[str, ...] = ()


def our_path(rule: Rule, name: str) -> str | None:
    """Returns our path of a reference key, or None if the rule is not for it.

    Args:
      rule: a line of a table.
      name: reference key, without the model's prefix.
    """
    match = re.fullmatch(rule.pattern, name)
    return match and match.expand(rule.path)


def their_name(rule: Rule, path: str) -> str | None:
    """Returns the reference key of our path, or None if the rule is not for it.

    Args:
      rule: a line of a table.
      path: our path, `collection/module/.../name`.
    """
    pattern, name = _backwards(rule)
    match = re.fullmatch(pattern, path)
    return match and match.expand(name)


@functools.cache
def _backwards(rule: Rule) -> tuple[str, str]:
    """The rule's path as a pattern, and its pattern as what that is replaced by."""
    group = r"\(([^()]*)\)"
    groups = re.findall(group, rule.pattern)
    path = re.sub(r"\\(\d)", lambda number: f"(?P<g{number[1]}>{groups[int(number[1]) - 1]})", rule.path)
    first, *others = re.split(r"\([^()]*\)", rule.pattern.replace(r"\.", "."))
    return path, first + "".join(rf"\g<g{i}>{text}" for i, text in enumerate(others, start=1))


def _permuted(*axes: int) -> Layout:
    inverse = tuple(int(axis) for axis in np.argsort(axes))
    return Layout(lambda x: x.transpose(axes), lambda x: x.transpose(inverse))


def _squeezed(axes: tuple[int, ...], then: Layout) -> Layout:
    """Drops axes of length 1, then changes the layout of the others."""
    return Layout(
        lambda x: then.ours(x.squeeze(axes)),
        lambda x: np.expand_dims(then.theirs(x), axes),
    )


SAME = Layout(lambda x: x, lambda x: x)

LINEAR = _permuted(1, 0)
"""[out, in] to [in, out]."""

REVERSED = _permuted(2, 1, 0)
"""[out, in, size] to [size, in, out], of a transposed convolution [in, out, size] to [size, out, in]."""

CONV2D = _permuted(2, 3, 1, 0)
"""[out, in, h, w] to [h, w, in, out]."""

POINTWISE_1D = _squeezed((2,), LINEAR)
"""[out, in, 1] to [in, out]."""

POINTWISE_2D = _squeezed((2, 3), LINEAR)
"""[out, in, 1, 1] to [in, out]."""

SPATIAL = _squeezed((2,), CONV2D)
"""[out, in, 1, h, w] to [h, w, in, out]."""

TEMPORAL = _squeezed((4,), CONV2D)
"""[out, in, t, 1, 1] to [t, 1, in, out]."""

WITHOUT_BATCH = _squeezed((0,), SAME)
"""[1, ...] to [...]."""

LENGTHS = _squeezed((1, 2), SAME)
"""[n, 1, 1] to [n]."""

CHANNELS = _squeezed((0, 2, 3), SAME)
"""[1, c, 1, 1] to [c]."""

BANDS = _squeezed((0, 1, 3), SAME)
"""[1, 1, f, 1] to [f]."""


def flattened(rows: int, columns: int) -> Layout:
    """Makes the layout of a linear map whose inputs are an image, laid flat.

    The reference's [out, c * rows * columns], channels outermost, becomes [rows * columns * c, out], channels
    innermost.

    Args:
      rows: height of the image.
      columns: its width.
    """
    return Layout(
        lambda x: x.reshape(x.shape[0], -1, rows, columns).transpose(2, 3, 1, 0).reshape(-1, x.shape[0]),
        lambda x: x.reshape(rows, columns, -1, x.shape[1]).transpose(3, 2, 0, 1).reshape(x.shape[1], -1),
    )


def affine(pattern: str, path: str, transform: Layout, name: str = "kernel") -> tuple[Rule, ...]:
    """Makes the rules of a weight and its bias.

    Args:
      pattern: regular expression of the reference's module.
      path: our path of the module, without the collection.
      transform: change of layout of the weight.
      name: what we call the weight.
    """
    return (
        Rule(rf"{pattern}\.weight", f"params/{path}/{name}", transform),
        Rule(rf"{pattern}\.bias", f"params/{path}/bias", SAME),
    )


def batch_norm(pattern: str, path: str) -> tuple[Rule, ...]:
    """Makes the rules of a batch normalisation's factor, offset and running statistics.

    Args:
      pattern: regular expression of the reference's module.
      path: our path of the module, without the collection.
    """
    return (
        *affine(pattern, path, SAME, "scale"),
        Rule(rf"{pattern}\.running_mean", f"batch_stats/{path}/mean", SAME),
        Rule(rf"{pattern}\.running_var", f"batch_stats/{path}/var", SAME),
    )
