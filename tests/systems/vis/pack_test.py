"""A packed detection run is the run with fewer exemplars: it finds the same impacts and sounds them."""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.retrieval.exemplars_test import bank
from tests.tiny_run import call
from tests.tiny_run import vis_command as command
from vis2sound_jax import api
from vis2sound_jax.systems.vis.bank import open_bank
from vis2sound_jax.systems.vis.pack import NUMBERS, thinned


@pytest.fixture(scope="module")
def packed(tiny_vis_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "weights"
    answer = call(*command(tiny_vis_run, "--job=pack", f"--output={folder}"))
    assert answer.code == 0, answer.err
    return folder


def test_what_sounds_films_is_packed_and_nothing_else(packed: Path) -> None:
    names = {str(path.relative_to(packed)) for path in packed.rglob("*") if path.is_file()}
    arrays = ("features", "lengths", "attacks", "attack_s", "times_s")
    exemplars = {*(f"{name}.npy" for name in arrays), "wavs.flac", "exemplars.json"}
    weights = {f"{stage}/checkpoints.safetensors" for stage in ("streams", "detection")}
    others = {"sounds/pca.npz", "seen/scales.npz", "detection/calibration.npz", "config.json", "card.json", "CARD.md"}
    assert names == {*weights, *others, *(f"sounds/exemplars/{name}" for name in exemplars)}


def test_the_card_has_the_numbers_of_the_packed_and_of_the_run(packed: Path) -> None:
    card = json.loads((packed / "card.json").read_text())
    assert set(card["numbers"]) == set(card["before_packing"]) == set(NUMBERS)
    assert card["training"]["steps"] == {"streams": 2, "detection": 2}


def in_half(params: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float16).astype(leaf.dtype), params)


def test_it_finds_and_sounds_what_the_run_does_with_weights_in_half_precision(packed: Path, tiny_vis_run: Path) -> None:
    """How little half precision changes is on the card: noise through a recurrent network may magnify it."""
    pixels = np.random.default_rng(0).integers(0, 256, (75, 40, 64, 3), np.uint8)
    film = api.Film.of_frames(pixels, 30.0, "noise")
    one, other = (api.load(folder) for folder in (tiny_vis_run, packed))
    for part in (one.watcher, one.predictor):
        part.params = in_half(part.params)
    seen, again = one.watch(film), other.watch(film)
    np.testing.assert_allclose(again.seen, seen.seen, atol=1e-5 * np.abs(seen.seen).max())
    result = other.rank(other.sound(other.compose(again, api.Request())))
    assert result.wavs.shape == (1, round(2.5 * other.rate_hz)) and result.origin["steps"] == one.steps


def test_exemplars_that_are_kept_are_those_of_the_run(packed: Path, tiny_vis_run: Path) -> None:
    every, few = open_bank(tiny_vis_run), open_bank(packed)
    assert 0 < len(few) <= len(every)
    known = list(zip(every.ids, every.times_s.tolist(), strict=True))
    for k, name in enumerate(zip(few.ids, few.times_s.tolist(), strict=True)):
        place = known.index(name)
        np.testing.assert_array_equal(few.wav(k), every.wav(place))
        np.testing.assert_array_equal(few.features[k], every.features[place])


@pytest.mark.parametrize("each", [1, 2, 9])
def test_every_kind_keeps_as_many_as_are_wanted_or_all(each: int) -> None:
    given = bank(count=7)
    few = thinned(given, each)
    counts = {name: given.labels["material"].count(name) for name in set(given.labels["material"])}
    kept = {name: few.labels["material"].count(name) for name in counts}
    assert all(1 <= kept[name] <= min(each, count) for name, count in counts.items())
    assert each < 9 or len(few) == len(given)
