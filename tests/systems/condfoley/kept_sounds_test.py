"""Laws of kept sounds: decoded once while they fit, and always the same."""

from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.systems.condfoley.kept_sounds import KeptSounds


@pytest.mark.parametrize(("most_bytes", "decoded"), [(1 << 20, 1), (1000, 3)])
def test_a_sound_is_decoded_once_where_it_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_bytes: int, decoded: int
) -> None:
    path, calls, blocks = tmp_path / "a.wav", [], Example.blocks
    write_wav(path, np.random.default_rng(0).uniform(-0.5, 0.5, 8000).astype(np.float32), 8000)

    def counted(self: Example, block_s: float):
        calls.append(block_s)
        yield from blocks(self, block_s)

    monkeypatch.setattr(Example, "blocks", counted)
    sounds = KeptSounds(most_bytes)
    for _ in range(3):
        with sounds.open(path) as example, Example.open(path) as plain:
            for ours, wanted in zip(example.blocks(0.3), blocks(plain, 0.3), strict=True):
                np.testing.assert_array_equal(ours, wanted)
    assert len(calls) == decoded
