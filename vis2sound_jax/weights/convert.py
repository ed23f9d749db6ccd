"""Applies a names table to a state dict, and refuses a file that does not fit, naming every misfit."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vis2sound_jax.errors import UserError
from vis2sound_jax.weights.names import TABLES, Table


def params_from_state_dict(
    state_dict: Mapping[str, np.ndarray], kind: str, expected: Mapping[str, Any]
) -> dict[str, Any]:
    """Converts the weights of one model.

    A file may hold several models; keys under other prefixes than this model's are left alone.

    Args:
      state_dict: reference name to array, as the reference laid it out.
      kind: name of a table in `names.TABLES`.
      expected: the variables the model wants, `{"params": ..., ...}`, with anything that has a `shape` as
        leaves; `jax.eval_shape` of the model's `init` gives it.

    Returns:
      Variables in the structure of `expected`, floating ones as float32.

    Raises:
      UserError: if the kind is unknown, or with the list of all keys that are missing, extra or misshapen.
    """
    wanted = {path: tuple(leaf.shape) for path, leaf in _leaves(expected)}
    found: dict[str, np.ndarray] = {}
    problems = []
    for name, value in sorted(part_of(state_dict, kind).items()):
        path, value = place(name, value, kind)
        if path not in wanted:
            problems.append(f"extra {name}")
            continue
        if value.shape != wanted[path]:
            problems.append(f"misshapen {name} ({path} is {wanted[path]} in the model, {value.shape} here)")
        found[path] = value
    problems += [f"missing {path}" for path in wanted if path not in found]
    if problems:
        raise UserError(
            f"the weights do not fit the {kind} model: {'; '.join(problems)}; "
            "build the model with the sizes of the file, or choose the file of this model"
        )
    return _tree(found)


def part_of(state_dict: Mapping[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    """Returns one model's part of a file: its prefix removed, what its table ignores left out.

    Raises:
      UserError: if the kind is unknown.
    """
    table = _table(kind)
    prefix = next((p for p in table.prefixes if any(key.startswith(p) for key in state_dict)), "")
    names = (key.removeprefix(prefix) for key in state_dict if key.startswith(prefix))
    return {
        name: np.asarray(state_dict[prefix + name])
        for name in names
        if not any(re.fullmatch(pattern, name) for pattern in table.ignored)
    }


def place(name: str, value: np.ndarray, kind: str) -> tuple[str | None, np.ndarray]:
    """Converts one array.

    Args:
      name: reference name without prefix.
      value: array as the reference lays it out.
      kind: name of a table in `names.TABLES`.

    Returns:
      `collection/module/.../name`, or None if the table has no such name, and the array as ours, floating
      ones as float32. An array with other axes than expected keeps its layout.

    Raises:
      UserError: if the kind is unknown.
    """
    rule = next((rule for rule in _table(kind).rules if re.fullmatch(rule.pattern, name)), None)
    if rule is None:
        return None, value
    try:
        value = rule.transform(value)
    except ValueError:
        pass  # kept as it is: the caller's comparison of shapes tells more than numpy's message
    if np.issubdtype(value.dtype, np.floating):
        value = np.ascontiguousarray(value, np.float32)
    return re.sub(rule.pattern, rule.path, name), value


def _table(kind: str) -> Table:
    if kind not in TABLES:
        raise UserError(f"cannot convert a model of kind {kind!r}; choose one of {', '.join(sorted(TABLES))}")
    return TABLES[kind]


def _leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, node in tree.items():
        here = f"{path}/{name}" if path else name
        if isinstance(node, Mapping):
            yield from _leaves(node, here)
        else:
            yield here, node


def _tree(leaves: Mapping[str, np.ndarray]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in leaves.items():
        *parents, name = path.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return tree
