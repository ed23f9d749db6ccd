"""Laws of the rows of single impacts: sounds of the nearest, of the right material, none where none is known."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from tests.systems.vis.scoring.impact_worlds import made_up_impacts
from vis2sound_jax.audio.cochlear_pca import RootPCA
from vis2sound_jax.errors import UserError
from vis2sound_jax.systems.vis.scoring import rows
from vis2sound_jax.systems.vis.scoring.rows import FULL_ROW, SplitClips, exemplar_rows, match_rows, ridge_row

CHANNELS = 8


class Clips:
    """A split whose clips look and move like their sounds."""

    def __init__(self, seed: int, recordings: int = 6) -> None:
        self.sounds = made_up_impacts(seed, recordings, 4)
        self.clips = self.sounds.recording
        self.looks = self.sounds.features.reshape(len(self.clips), -1)

    def centre(self, config: Any) -> tuple[np.ndarray, np.ndarray]:
        return self.looks, self.looks[:, ::-1]

    def seen(self, streams: Any = None) -> np.ndarray:
        return self.looks


TRAIN, TEST = Clips(0), Clips(1)
KNOWN = np.array(TEST.sounds.material) != "None"


def source_of(row: np.ndarray) -> np.ndarray:
    """The training clip that each sound is a copy of; every one must be one."""
    flat = TRAIN.sounds.features.reshape(len(TRAIN.clips), -1)
    same = (row.reshape(len(row), 1, -1) == flat).all(axis=2)
    assert same.any(axis=1).all()
    return same.argmax(axis=1)


@pytest.fixture(scope="module")
def matched() -> dict[str, np.ndarray]:
    return match_rows(ConfigDict(), TRAIN, TEST, seed=0)  # type: ignore[arg-type]


def test_matches_are_training_sounds_near_in_what_they_match_by(matched: dict[str, np.ndarray]) -> None:
    for row in ("image match", "spacetime match", "image + spacetime match", "real-sound match"):
        found = source_of(matched[row])
        right = np.array(TRAIN.sounds.material)[found] == np.array(TEST.sounds.material)
        assert right[KNOWN].mean() > 0.5, row
    apart = np.abs(TEST.sounds.features[:, None] - TRAIN.sounds.features[None]).sum(axis=(2, 3))
    np.testing.assert_array_equal(source_of(matched["real-sound match"]), apart.argmin(axis=1))


def test_a_clip_finds_itself(matched: dict[str, np.ndarray]) -> None:
    own = match_rows(ConfigDict(), TRAIN, TRAIN, seed=0)  # type: ignore[arg-type]
    np.testing.assert_array_equal(own["image match"], TRAIN.sounds.features)
    np.testing.assert_array_equal(own["image + spacetime match"], TRAIN.sounds.features)


def test_with_the_material_known_it_is_right_and_without_there_is_no_sound(matched: dict[str, np.ndarray]) -> None:
    for name, row in matched.items():
        if name.endswith("+ material"):
            for take in row if row.ndim == 4 else row[None]:
                assert np.isnan(take[~KNOWN]).all()
                materials = np.array(TRAIN.sounds.material)[source_of(take[KNOWN])]
                np.testing.assert_array_equal(materials, np.array(TEST.sounds.material)[KNOWN])


def test_random_sounds_follow_from_the_seed(matched: dict[str, np.ndarray]) -> None:
    row = "random impact sound"
    assert matched[row].shape == (10, *TEST.sounds.features.shape)
    again, other = (match_rows(ConfigDict(), TRAIN, TEST, seed=seed)[row] for seed in (0, 1))  # type: ignore[arg-type]
    np.testing.assert_array_equal(matched[row], again)
    assert not np.array_equal(again, other)


def test_exemplars_are_nearest_to_what_was_predicted() -> None:
    found = exemplar_rows(TRAIN, TEST, TRAIN.sounds.features + 1e-4)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found[f"{FULL_ROW}, its exemplar"], TRAIN.sounds.features)
    with_material = found[f"{FULL_ROW}, its exemplar + material"]
    materials = np.array(TRAIN.sounds.material)[source_of(with_material[KNOWN])]
    np.testing.assert_array_equal(materials, np.array(TEST.sounds.material)[KNOWN])


def test_ridge_regression_predicts_sounds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rows, "open_pca", lambda workdir: RootPCA(np.zeros(CHANNELS), np.eye(CHANNELS)))
    monkeypatch.setattr(rows, "has_split", lambda workdir, split: False)
    monkeypatch.setattr(rows, "open_streams", lambda workdir, split, *, view: SimpleNamespace(view=view))
    predicted = ridge_row(2, tmp_path, TRAIN, TEST)  # type: ignore[arg-type]
    assert predicted.shape == TEST.sounds.features.shape and (predicted >= 0).all()
    real = TEST.sounds.features
    assert np.square(predicted - real).mean() < np.square(real.mean(axis=0) - real).mean()


def test_a_split_without_events_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rows, "open_sounds", lambda workdir, split: ({}, []))
    with pytest.raises(UserError, match="no test recording has an annotated event"):
        SplitClips(tmp_path, "test")
