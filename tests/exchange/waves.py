"""WAV files for the tests of exchange."""

from pathlib import Path

import numpy as np
import soundfile


def write_noise(path: Path, rate_hz: int = 48_000, subtype: str = "PCM_24", channels: int = 2) -> None:
    """Writes a tenth of a second of noise; an odd number of bytes where a sample has three."""
    wav = 0.5 * np.random.default_rng(0).standard_normal((rate_hz // 10 + 1, channels)).clip(-1.9, 1.9)
    soundfile.write(path, wav, rate_hz, subtype=subtype)
