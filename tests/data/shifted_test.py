"""Laws of shifted examples: the sound is as late as the class says, and only film that exists is compared."""

import numpy as np
import pytest

from vis2sound_jax.data.shifted import film_and_sound, sync_example
from vis2sound_jax.data.tokens import TokenRecording

FPS, HOP_S, LAGS = 25.0, 0.01, 10


def recording(frames: int, events_s: tuple[float, ...]) -> TokenRecording:
    """Each event raises the onset curve in its frame, and all bands of the sound for 40 ms."""
    onset, mel = np.zeros(frames, np.float32), np.zeros((4, int(frames / FPS / HOP_S)), np.float16)
    for time_s in events_s:
        onset[int(time_s * FPS)] = 1.0
        mel[:, round(time_s / HOP_S) : round((time_s + 0.04) / HOP_S)] = 0.5
    return TokenRecording(
        id="x",
        codes=np.zeros((1, 1), np.int16),
        mel=mel,
        features=onset[:, None].astype(np.float16),
        onset=onset,
        fps=FPS,
        column_s=0.1,
        event_s=np.array(events_s),
    )


def test_the_sound_is_as_late_as_the_class_says() -> None:
    one = recording(100, (1.98,))  # in the middle of a frame, in the middle of the film
    checked = 0
    for seed in range(60):
        example = sync_example(one, np.random.default_rng(seed), frames=60, lags=LAGS, hop_s=HOP_S)
        loud = example["sound"].mean(axis=(1, 2)) - example["sound"].mean(axis=(1, 2)).min()
        if example["late"] > 2 * LAGS or example["onset"].max() == 0 or loud.max() < 0.1:
            continue
        heard = (loud * np.arange(60)).sum() / loud.sum()
        assert heard - example["onset"].argmax() == pytest.approx(int(example["late"]) - LAGS, abs=1.6)
        checked += 1
    assert checked > 10


def test_examples_have_one_shape_and_mask_what_is_not_there() -> None:
    for seed in range(30):
        one = recording(36 + seed, (0.5,))
        example = sync_example(one, np.random.default_rng(seed), frames=60, lags=LAGS, hop_s=HOP_S)
        shapes = {name: np.shape(value) for name, value in example.items()}
        assert shapes == {"features": (60, 1), "onset": (60,), "sound": (60, 4, 4), "mask": (60,), "late": ()}
        assert 0 <= example["late"] <= 2 * LAGS + 1 and 0 <= example["sound"].min() <= example["sound"].max() <= 1
        length = int(example["mask"].sum())
        assert 25 <= length <= min(60, len(one.onset)) and (example["mask"][:length] == 1).all()


def test_a_quarter_of_the_sounds_is_of_another_moment_where_there_is_one() -> None:
    def share(frames: int) -> float:
        drawn = [
            sync_example(recording(frames, ()), np.random.default_rng(seed), frames=30, lags=LAGS, hop_s=HOP_S)["late"]
            for seed in range(200)
        ]
        return float(np.mean(np.array(drawn) == 2 * LAGS + 1))

    assert share(400) == pytest.approx(0.25, abs=0.08) and share(50) == 0


def test_film_beyond_the_end_is_masked() -> None:
    example = film_and_sound(recording(40, ()), 30, 20, 1.2, frames=25, hop_s=HOP_S)
    assert example["mask"].tolist() == [1.0] * 10 + [0.0] * 15


def test_the_generator_decides() -> None:
    one = recording(100, (1.0, 2.0))
    first, again = (sync_example(one, np.random.default_rng(3), frames=50, lags=5, hop_s=HOP_S) for _ in range(2))
    assert all((first[name] == again[name]).all() for name in first)
