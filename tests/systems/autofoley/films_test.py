"""Laws of whole films: windows, their joins, blocks of sound that fade without a seam."""

from typing import Any

import jax
import numpy as np
import pytest

from vis2sound_jax.audio.amplitudes import AmplitudeSpec
from vis2sound_jax.data.class_means import ClassMeans
from vis2sound_jax.data.foley_clips import FoleyWindow
from vis2sound_jax.models.autofoley import AutoFoley, FilmEye, FrameRelation
from vis2sound_jax.systems.autofoley.predict import Predictor, Seen, windows
from vis2sound_jax.systems.autofoley.soundtrack import griffin_lim_sounder, in_blocks

SIZE = FoleyWindow(10, 20, 5.0, 10.0)
SPEC = AmplitudeSpec(8000, 128, 80)
MEANS = ClassMeans(("a", "b"), np.zeros((2, 20, 4), np.float32), np.array([[1.0] * 4, [2.0] * 4], np.float32))


class Shown:
    """A film whose frame k has the value k; it is read once."""

    def __init__(self, frames: int, noise: bool = False) -> None:
        rng = np.random.default_rng(0)
        levels = np.arange(frames, dtype=np.uint8)
        grey = rng.integers(0, 255, (frames, 8, 8), np.uint8) if noise else np.tile(levels[:, None, None], (1, 8, 8))
        self.grey, self.reads = grey, 0

    def __len__(self) -> int:
        return len(self.grey)

    def __iter__(self) -> Any:
        for frame in self.grey:
            self.reads += 1
            yield frame, np.repeat(frame[..., None], 3, axis=2)


@pytest.mark.parametrize("frames", [1, 7, 10, 11, 18, 40])
def test_windows_cover_a_film_that_is_read_once(frames: int) -> None:
    film, seen = Shown(frames), set()
    for first, grey, stills in windows(film, 10, 2):
        assert grey.shape == (10, 8, 8) and stills.shape == (3, 8, 8, 3)
        expected = (first + np.arange(10)) if frames >= 10 else np.arange(10) % frames
        np.testing.assert_array_equal(grey[:, 0, 0], expected)
        seen |= set(grey[:, 0, 0].tolist())
    assert seen == set(range(frames)) and film.reads == frames


def predictor() -> Predictor:
    net = AutoFoley(
        FilmEye((4, 4), (4, 4, 4), width=6),
        FrameRelation(2, 4, 4, 6, frames=4, every=1),
        columns=20,
        frames_a_column=0.5,
    )
    rng = np.random.default_rng(2)
    shapes = jax.eval_shape(net.init, jax.random.key(0), np.zeros((1, 10, 8, 8)), np.zeros((1, 3, 8, 8, 3)))["params"]
    return Predictor(net, jax.tree.map(lambda s: 0.3 * rng.standard_normal(s.shape), shapes), SIZE, MEANS, "bin")


def test_a_film_has_its_columns_whatever_its_length() -> None:
    made = predictor()
    for frames in (3, 10, 25):
        seen = made.film(Shown(frames, noise=True))
        assert seen.columns == 2 * frames and seen.logits.shape == (2,)
        rows = [made.amplitudes(seen, label) for label in (0, 1)]
        assert rows[0].shape == (2 * frames, 4)
        np.testing.assert_allclose(rows[1] - rows[0], 1.0, rtol=1e-5)


def test_windows_that_agree_are_joined_without_a_seam() -> None:
    truth = np.random.default_rng(1).random((36, 4)).astype(np.float32)
    seen = Seen(np.zeros(2), (truth[:20], truth[16:36]), (0, 16), 36)
    np.testing.assert_allclose(predictor().amplitudes(seen, 0), truth + 1, rtol=1e-6)


@pytest.mark.parametrize("columns", [2, 40, 41, 95, 130])
def test_blocks_add_up_to_the_whole(columns: int) -> None:
    def tone(rows: np.ndarray, number: int) -> np.ndarray:
        return np.repeat(rows[:, 0], SPEC.hop).astype(np.float32)

    rows = np.ones((columns, 65), np.float32)
    wav = in_blocks(rows, SPEC, 50, tone)
    assert wav.shape == (columns * SPEC.hop,)
    # Equal sounds that are faded with equal power are louder by 3 dB in the middle of a fade, and never softer.
    assert wav.min() > 0.99 and wav.max() < 1.42


def test_a_seam_keeps_the_level_of_noise() -> None:
    rows = np.full((200, 65), 1.0, np.float32)
    wav = in_blocks(rows, SPEC, 60, griffin_lim_sounder(SPEC, 3, 0))
    level = wav[400:-400].reshape(-1, 400).std(axis=1)
    assert level.max() < 1.6 * level.min()
    again = in_blocks(rows, SPEC, 60, griffin_lim_sounder(SPEC, 3, 0))
    np.testing.assert_array_equal(wav, again)
