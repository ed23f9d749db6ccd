"""Decoded frames of sound as arrays, whatever their sample format."""

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from jaxtyping import Float32


def channels_of(frame: AudioFrame) -> Float32[np.ndarray, "n c"]:
    """Gives the samples of a frame.

    Args:
      frame: of 8, 16, 32 or 64 bits, or of floating numbers, planar or not.

    Returns:
      Its channels in [-1, 1].
    """
    if frame.format.name.startswith("s64"):  # whole numbers that arrays are not made of
        frame = AudioResampler("dbl").resample(frame)[0]
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype == np.uint8:
        return samples.T.astype(np.float32) / 128.0 - 1.0
    if samples.dtype.kind == "i":
        return samples.T.astype(np.float32) / float(2 ** (8 * samples.dtype.itemsize - 1))
    return samples.T.astype(np.float32)
