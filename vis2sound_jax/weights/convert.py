"""Applies a names table to a state dict, either way, and refuses a file that does not fit, naming every misfit."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vis2sound_jax.errors import UserError
from vis2sound_jax.weights.names import TABLES
from vis2sound_jax.weights.rules import Table, Weight, our_path, their_name


def params_from_state_dict(state_dict: Mapping[str, Weight], kind: str, expected: Mapping[str, Any]) -> dict[str, Any]:
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
      UserError: if the kind is unknown, or with the list of all keys that are double, missing, extra or misshapen.
        A key is double if another one holds the same array of the model, under another prefix for instance.
    """
    wanted = {path: tuple(leaf.shape) for path, leaf in _leaves(expected)}
    found: dict[str, np.ndarray] = {}
    problems = [f"double {path} ({' and '.join(keys)})" for path, keys in _doubles(state_dict, kind).items()]
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


def state_dict_from_params(variables: Mapping[str, Any], kind: str, prefix: str = "") -> dict[str, Weight]:
    """Converts the weights of one model back into the reference's names and layouts.

    What carries nothing, such as counters of batches and masks, is not written.

    Args:
      variables: `{"params": ..., ...}` as `params_from_state_dict` gives them.
      kind: name of a table in `names.TABLES`.
      prefix: what every key begins with, such as "transformer.".

    Returns:
      Array by reference name, of which `params_from_state_dict` makes `variables` again.

    Raises:
      UserError: if the kind is unknown, or with the list of all paths that have no reference name.
    """
    rules = _table(kind).rules
    found: dict[str, np.ndarray] = {}
    nameless = []
    for path, leaf in _leaves(variables):
        named = ((rule, their_name(rule, path)) for rule in rules)
        rule, name = next(((rule, name) for rule, name in named if name is not None), (None, ""))
        if rule is None:
            nameless.append(path)
        else:
            found[prefix + name] = np.ascontiguousarray(rule.transform.theirs(np.asarray(leaf)))
    if nameless:
        raise UserError(
            f"the {kind} table has no reference name for {', '.join(nameless)}; give variables of a {kind} model"
        )
    return found


def part_of(state_dict: Mapping[str, Weight], kind: str) -> dict[str, Weight]:
    """Returns one model's part of a file: its prefix removed, what its table ignores left out.

    Args:
      state_dict: reference name to array, of one or more models.
      kind: name of a table in `names.TABLES`.

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


def place(name: str, value: Weight, kind: str) -> tuple[str | None, Weight]:
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
    named = ((rule, our_path(rule, name)) for rule in _table(kind).rules)
    rule, path = next(((rule, path) for rule, path in named if path is not None), (None, None))
    if rule is None:
        return None, value
    try:
        value = rule.transform.ours(value)
    except ValueError:
        pass  # kept as it is: the caller's comparison of shapes tells more than numpy's message
    if np.issubdtype(value.dtype, np.floating):
        value = np.ascontiguousarray(value, np.float32)
    return path, value


def _doubles(state_dict: Mapping[str, np.ndarray], kind: str) -> dict[str, list[str]]:
    """Paths of ours that several keys of a file claim, under any of the prefixes that the model may have."""
    table = _table(kind)
    claims: dict[str, list[str]] = {}
    for prefix in table.prefixes:
        for key in sorted(key for key in state_dict if key.startswith(prefix)):
            paths = (our_path(rule, key.removeprefix(prefix)) for rule in table.rules)
            path = next((path for path in paths if path is not None), None)
            if path is not None:
                claims.setdefault(path, []).append(key)
    return {path: keys for path, keys in claims.items() if len(keys) > 1}


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
