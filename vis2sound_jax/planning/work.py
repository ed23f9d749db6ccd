"""How much a traced function calculates and moves, whatever it will be compiled for.

A compiled program tells this too, but for the backend it was compiled for, and counts what is inside a loop once.
Here only products of matrices and convolutions count; the rest is a small part of the operations and can be fused
into them.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, jaxprs_in_params
from jax.interpreters.partial_eval import dce_jaxpr


class Work(NamedTuple):
    """What one run of a function does.

    Attributes:
      half_flops: operations of products of bfloat16 or float16 arrays; a multiplication and an addition are two.
      full_flops: of products of wider arrays.
      bytes: read and written by the products, if each reads its inputs and writes its output once.
    """

    half_flops: float = 0.0
    full_flops: float = 0.0
    bytes: float = 0.0

    @property
    def flops(self) -> float:
        """All operations."""
        return self.half_flops + self.full_flops

    def plus(self, other: "Work", times: float = 1.0) -> "Work":
        """Adds other work.

        Args:
          other: the work to add.
          times: how often it is done.
        """
        return Work(*(a + times * b for a, b in zip(self, other, strict=True)))


def work(function: Callable[..., Any], *arguments: Any) -> Work:
    """Counts the work of a function.

    What does not change the result is left out, and a rematerialised part counts as often as it is computed. A loop
    whose length is not known counts as one round, and of branches the one with most operations.

    Args:
      function: traceable.
      *arguments: arrays or their shapes.

    Returns:
      The work.
    """
    traced = jax.make_jaxpr(function)(*arguments)
    needed, _ = dce_jaxpr(traced.jaxpr, [True] * len(traced.jaxpr.outvars))
    return _of_jaxpr(needed)


def _of_jaxpr(jaxpr: Jaxpr) -> Work:
    total = Work()
    for equation in jaxpr.eqns:
        total = total.plus(_of_equation(equation))
    return total


def _of_equation(equation: JaxprEqn) -> Work:
    name = equation.primitive.name
    if name == "dot_general":
        return _product(equation, _dot_depth(equation))
    if name == "conv_general_dilated":
        return _product(equation, _convolution_depth(equation))
    if name == "cond":
        branches = [_of_jaxpr(branch.jaxpr) for branch in equation.params["branches"]]
        return max(branches, key=lambda branch: branch.flops)
    total = Work()
    for inner in jaxprs_in_params(equation.params):
        jaxpr = inner.jaxpr if isinstance(inner, ClosedJaxpr) else inner
        total = total.plus(_of_jaxpr(jaxpr), equation.params["length"] if name == "scan" else 1)
    return total


def _product(equation: JaxprEqn, depth: float) -> Work:
    """Every value of the output is a sum of `depth` products."""
    inputs, output = [_array(variable) for variable in equation.invars], _array(equation.outvars[0])
    flops = 2.0 * output.size * depth
    moved = float(sum(array.size * array.dtype.itemsize for array in (*inputs, output)))
    half = all(jnp.issubdtype(array.dtype, jnp.floating) and array.dtype.itemsize == 2 for array in inputs)
    return Work(half_flops=flops, bytes=moved) if half else Work(full_flops=flops, bytes=moved)


def _dot_depth(equation: JaxprEqn) -> int:
    (contracted, _), _ = equation.params["dimension_numbers"]
    return math.prod(_array(equation.invars[0]).shape[axis] for axis in contracted)


def _convolution_depth(equation: JaxprEqn) -> float:
    """Products a value; zeros that a stride puts between the inputs, in the backward pass, are not counted."""
    params = equation.params
    kernel, spec = _array(equation.invars[1]).shape, params["dimension_numbers"].rhs_spec
    within = math.prod(kernel[axis] for axis in spec[1:])
    return within / math.prod(params["lhs_dilation"])


def _array(variable: Any) -> Any:
    """Shape and type of what a variable stands for."""
    return variable.aval
