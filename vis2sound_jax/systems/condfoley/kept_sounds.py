"""Examples whose sound is decoded once, as long as all of them together stay within a bound of memory."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from vis2sound_jax.audio.example import Example

MOST_BYTES = 512 << 20


class KeptSounds:
    """Decoded sounds by file."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Begins with none.

        Args:
          most_bytes: bound of what is kept; what does not fit is decoded whenever it is asked for.
        """
        self._left = most_bytes
        self._blocks: dict[tuple[Path, float], list[np.ndarray]] = {}

    def open(self, path: Path) -> Example:
        """Opens an example; its sound comes from memory where it was read before.

        Args:
          path: a film with sound or a sound file.

        Returns:
          The example, to be closed.

        Raises:
          UserError: if the file cannot be read.
        """
        example = _Kept.open(path)
        assert isinstance(example, _Kept)
        example.sounds = self
        return example

    def blocks(
        self, path: Path, block_s: float, decoded: Iterator[Float32[np.ndarray, "n c"]]
    ) -> Iterator[Float32[np.ndarray, "n c"]]:
        """Passes blocks on and keeps them if they all fit.

        Args:
          path: of the file.
          block_s: length of a block in seconds.
          decoded: gives the blocks where they are not kept.

        Yields:
          The blocks.
        """
        key = path, block_s
        if key in self._blocks:
            yield from self._blocks[key]
            return
        kept: list[np.ndarray] = []
        taken = 0
        for block in decoded:
            taken += block.nbytes
            if taken <= self._left:
                kept.append(block)
            else:
                kept.clear()
            yield block
        if taken <= self._left:
            self._blocks[key] = kept
            self._left -= taken


class _Kept(Example):
    sounds: KeptSounds

    def blocks(self, block_s: float) -> Iterator[Float32[np.ndarray, "n c"]]:
        """Reads the sound block by block, as `Example` does."""
        assert self.path is not None  # it was opened
        yield from self.sounds.blocks(Path(self.path), block_s, super().blocks(block_s))
