"""The run-time checker of array types and shapes, for the tests."""

from collections.abc import Callable
from typing import Any

from beartype import beartype
from jaxtyping import AbstractArray


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """Checks the arrays among arguments and results; plain numbers may be tracers under jit."""
    function.__annotations__ = {
        name: hint
        for name, hint in function.__annotations__.items()
        if isinstance(hint, type) and issubclass(hint, AbstractArray)
    }
    return beartype(function)
