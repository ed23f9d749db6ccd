"""Pairs of clips for a transformer that looks at frames: pictures, sound and codes of the same moments."""

import itertools

import numpy as np
import pytest

from vis2sound_jax.data.film_pairs import FilmRecording, altered_size, clip_arrays, clip_shapes, film_pair_example
from vis2sound_jax.data.pieces import mel_piece, onset_clip, sound_piece
from vis2sound_jax.data.targets import Heard
from vis2sound_jax.data.tokens import TokenRecording, clip_places
from vis2sound_jax.models.views import colour_views
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.video.files import encode_jpeg

FPS, SIDE, TOTAL, COLUMN_S = 15.0, 16, 90, 0.2


def frames() -> list[bytes]:
    """Frame k is all of one grey, 2 k."""
    return [encode_jpeg(np.full((SIDE, SIDE, 3), 2 * k, np.uint8), 95) for k in range(TOTAL)]


def tokens(*, windows: bool) -> TokenRecording:
    codes = np.arange(2 * 30, dtype=np.int16).reshape(2, 30)
    every = np.stack([codes[:, k : k + 4] + 1000 for k in range(27)]) if windows else np.zeros((0, 2, 4), np.int16)
    silent = np.zeros((3, 240), np.float16)
    seen = np.zeros((TOTAL, 0), np.float16)
    events = np.array([1.0, 4.0])
    return TokenRecording("a", codes, silent, seen, np.zeros(TOTAL), FPS, COLUMN_S, events, every, 0.1)


@pytest.mark.parametrize("windows", [False, True])
def test_frames_and_codes_are_of_the_same_moments(*, windows: bool) -> None:
    recording = FilmRecording(tokens(windows=windows), frames())
    for seed in range(5):
        rng = np.random.default_rng(seed)
        example = film_pair_example(recording, rng, columns=4, frames=6, augment=False)
        for name in ("target", "condition"):
            assert example[f"{name}_frames"].shape == (6, 14, 14, 3)
            column = int(example[name][0]) - 1000 * windows
            first = round((0.1 + column * COLUMN_S) * FPS)
            shown = example[f"{name}_frames"].mean(axis=(1, 2, 3)) / 2
            np.testing.assert_allclose(shown, clip_places(first / FPS, FPS, TOTAL, 6), atol=1.0)
        apart = abs(int(example["target"][0]) - int(example["condition"][0]))
        assert apart >= 4


def test_a_clip_comes_with_a_draw_or_cut_to_its_middle() -> None:
    clip = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), np.uint8)
    first, again, second = (clip_arrays(clip, np.random.default_rng(seed), "a_") for seed in (1, 1, 2))
    np.testing.assert_array_equal(first["a_frames"], clip)
    np.testing.assert_array_equal(first["a_view"], again["a_view"])
    assert (first["a_view"] != second["a_view"]).any()
    plain = clip_arrays(clip, None)
    np.testing.assert_array_equal(plain.pop("frames"), clip[:, 1:-1, 1:-1])
    assert not plain


def test_unaltered_clips_depend_on_the_window_alone() -> None:
    """Seeds that draw the same windows give the same examples, and other alterations if there are any."""
    recording = FilmRecording(tokens(windows=False), frames())
    found: dict[bool, dict[bytes, set[bytes]]] = {False: {}, True: {}}
    for augment, seed in itertools.product(found, range(60)):
        example = film_pair_example(recording, np.random.default_rng(seed), columns=4, frames=6, augment=augment)
        window = example["target"].tobytes() + example["condition"].tobytes()
        clips = b"".join(example[name].tobytes() for name in sorted(example) if name.endswith(("frames", "view")))
        found[augment].setdefault(window, set()).add(clips)
    assert set(found[False]) == set(found[True]) and 1 < len(found[False]) < 60
    assert all(len(clips) == 1 for clips in found[False].values())
    assert max(len(clips) for clips in found[True].values()) > 1


def test_clips_beyond_the_end_hold_the_last_frame() -> None:
    np.testing.assert_array_equal(clip_places(0.9, 10.0, 12, 5), [9, 10, 11, 11, 11])


def test_pieces_of_sound_and_mel_are_of_the_same_moments() -> None:
    wav = np.repeat(np.arange(1, 41), 4).astype(np.float32)
    mel = np.arange(1, 42, dtype=np.float16)[None]
    for seed in range(6):
        piece = sound_piece((wav, mel), np.random.default_rng(seed), frames=8, hop=4)
        np.testing.assert_array_equal(piece["wav"][::4], piece["mel"][0])
    short = sound_piece((wav[:8], mel[:, :3]), np.random.default_rng(0), frames=8, hop=4)
    assert short["mel"].shape == (1, 8) and short["wav"].shape == (32,)
    assert mel_piece(mel, np.random.default_rng(0), frames=50)["mel"].shape == (1, 50)


def record() -> Record:
    return {"fps": FPS, "frames": frames(), "span_s": np.array([0, 6], np.float32)}  # type: ignore[typeddict-item]


def test_onset_clips_mark_the_frames_in_which_onsets_fall() -> None:
    heard = Heard(record(), np.array([0.5, 1.01, 3.0]), np.array([1.0, 1.0, 0.2]), np.zeros((TOTAL, 4)))
    found = [onset_clip(heard, np.random.default_rng(seed), frames=TOTAL) for seed in range(2)]
    for one in found:
        assert one["frames"].shape == (TOTAL, 16, 16, 3) and one["view"].shape == (13,)
        np.testing.assert_array_equal(np.flatnonzero(one["onset"]), [7, 15])
    clip = onset_clip(heard, np.random.default_rng(3), frames=10)
    assert clip["onset"].shape == (10,) and set(np.unique(clip["onset"])) <= {0.0, 1.0}


@pytest.mark.parametrize("augment", [True, False])
@pytest.mark.parametrize("size", [(16, 16), (24, 40)])
def test_the_arrays_of_a_clip_are_known_before(size: tuple[int, int], *, augment: bool) -> None:
    made = clip_arrays(np.zeros((2, *size, 3), np.uint8), np.random.default_rng(0) if augment else None, "a_")
    said = clip_shapes(*size, 2, "a_", augment=augment)
    assert {name: (value.shape, value.dtype) for name, value in made.items()} == said
    shown = made["a_frames"]
    if augment:
        shown = np.asarray(colour_views(shown[None], made["a_view"][None], altered_size(*size)[0]))[0]
    assert shown.shape[1:3] == altered_size(*size, augment=augment)
