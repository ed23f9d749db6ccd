"""Laws of sounding in windows: the length is the film's, seams are not heard, windows have keys of their own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.audio.mel import MelSpec, log_mel_of
from vis2sound_jax.audio.synthesis import GriffinLim
from vis2sound_jax.generation.sounding import OVERLAP_FRAMES, WINDOW_FRAMES, sound_in_windows

KEY = jax.random.key(0)


@pytest.mark.parametrize("t", [1, WINDOW_FRAMES - 1, WINDOW_FRAMES, WINDOW_FRAMES + 1, 700, 1000])
def test_windows_that_agree_give_the_whole(t: int) -> None:
    hop = 64  # a seam is shorter than the overlap
    logmel = np.random.default_rng(0).uniform(size=(3, t)).astype(np.float32)
    wav = sound_in_windows(lambda mel, key: jnp.repeat(mel.mean(axis=1), hop, axis=1), logmel, hop, KEY)
    assert wav.shape == (t * hop,) and wav.dtype == np.float32
    np.testing.assert_allclose(wav, np.repeat(logmel.mean(axis=0), hop), atol=1e-6)


def test_windows_are_joined_at_their_quietest_moment() -> None:
    hop, t = 256, WINDOW_FRAMES + 100
    logmel = np.ones((2, t), np.float32)
    quiet = WINDOW_FRAMES - 12
    logmel[:, quiet] = 0.0
    windows = iter((1.0, 2.0))
    wav = sound_in_windows(lambda mel, key: jnp.full((1, WINDOW_FRAMES * hop), next(windows)), logmel, hop, KEY)
    changed = np.flatnonzero(np.diff(wav) > 0)
    assert abs(changed[0] / hop - quiet) < 2 and abs(changed[-1] / hop - quiet) < 2
    assert t - WINDOW_FRAMES <= changed[0] / hop and wav[0] == 1.0 and wav[-1] == 2.0


def test_every_window_has_one_length_and_a_key_of_its_own() -> None:
    shapes, keys = set(), set()

    def listen(mel: jax.Array, key: jax.Array) -> jax.Array:
        shapes.add(mel.shape)
        keys.add(tuple(np.asarray(jax.random.key_data(key)).tolist()))
        return jnp.zeros((1, mel.shape[2] * 256))

    sound_in_windows(listen, np.zeros((5, 3 * WINDOW_FRAMES), np.float32), 256, KEY)
    assert shapes == {(1, 5, WINDOW_FRAMES)} and len(keys) == 4


def test_seams_of_griffin_lim_keep_the_level() -> None:
    spec = MelSpec(22050, 512, 128, 40, 50.0, 8000.0)
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal((2 * WINDOW_FRAMES) * spec.hop)).astype(np.float32)
    wav = sound_in_windows(GriffinLim(spec, 8), log_mel_of(noise, spec)[:, : 2 * WINDOW_FRAMES], spec.hop, KEY)
    level = np.sqrt(np.mean(wav.reshape(-1, spec.hop * 4) ** 2, axis=1))
    seams = slice((WINDOW_FRAMES - OVERLAP_FRAMES) // 4, WINDOW_FRAMES // 4)
    assert 0.7 < level[seams].min() / np.median(level) and level[seams].max() / np.median(level) < 1.4
