"""Laws of sound on the clock of film frames."""

import numpy as np

from vis2sound_jax.audio.moments import MOMENTS, sound_at_frames


def test_values_are_those_of_the_moments_and_the_ends_are_held():
    hop_s, fps = 0.01, 25.0
    ramp = np.arange(100, dtype=np.float32)[None].repeat(3, axis=0) * hop_s  # the value is the time
    rows = sound_at_frames(ramp, hop_s, fps, 0.2, 10)
    assert rows.shape == (10, MOMENTS, 3) and rows.dtype == np.float32
    wanted = 0.2 + (np.arange(10 * MOMENTS) + 0.5) / (MOMENTS * fps)
    np.testing.assert_allclose(rows[..., 1].reshape(-1), wanted, atol=1e-6)
    assert (sound_at_frames(ramp, hop_s, fps, -1.0, 5) == 0).all()
    np.testing.assert_allclose(sound_at_frames(ramp, hop_s, fps, 2.0, 5), 0.99, atol=1e-6)
