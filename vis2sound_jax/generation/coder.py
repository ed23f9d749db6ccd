"""Any codebook behind one pair of functions: log-mels in [0, 1] to codes and back."""

import dataclasses
import functools
from typing import Any, Protocol

import jax
from jaxtyping import Array, Float, Int


class Codec(Protocol):
    """What a network of codes offers: `PatchCoder`, `BandCoder` and `VQGAN` do."""

    looks_around: bool
    """Whether a code depends on the whole image, so that every window has to be encoded by itself."""

    def apply(self, variables: Any, *inputs: Any, method: str) -> Any:
        """Runs a method of the network.

        Args:
          variables: `{"params": ...}`.
          *inputs: log-mels [b, f, t] in [0, 1], or codes [b, r, k] in [0, codes of a book).
          method: `codes_of`, from log-mels to codes, or its inverse `mel_of`.

        Returns:
          What the method makes of the inputs.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Coder:
    """A coder of log-mels; its weights are arguments.

    Attributes:
      net: the network.
    """

    net: Codec

    @property
    def looks_around(self) -> bool:
        """Whether a code depends on the whole image, so that every window has to be encoded by itself."""
        return self.net.looks_around

    def encode(self, params: Any, mel: Float[Array, "b f t"]) -> Int[Array, "b r k"]:
        """Returns the codes of log-mels.

        Args:
          params: of the network.
          mel: log-mels in [0, 1].
        """
        return _apply(self.net, "codes_of", params, mel)

    def decode(self, params: Any, grid: Int[Array, "b r k"]) -> Float[Array, "b f t"]:
        """Returns the log-mels, nominally in [0, 1], of grids of codes.

        Args:
          params: of the network.
          grid: codes, in [0, codes of a book).
        """
        return _apply(self.net, "mel_of", params, grid)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _apply(net: Codec, method: str, params: Any, values: Array) -> Array:
    return net.apply({"params": params}, values, method=method)
