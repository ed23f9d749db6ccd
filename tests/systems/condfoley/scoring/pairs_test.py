"""Laws of test pairs: windows of one recording, around events and apart; every row sounds the same windows."""

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from vis2sound_jax.audio.files import encode_flac
from vis2sound_jax.data.tokens import TokenRecording
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.condfoley.chain import load
from vis2sound_jax.systems.condfoley.scoring import rows
from vis2sound_jax.systems.condfoley.scoring.exemplar_rows import RULES, TRUE_TIMES_ROW
from vis2sound_jax.systems.condfoley.scoring.items import as_list
from vis2sound_jax.systems.condfoley.scoring.pairs import Pair, PairMaker, choose_pairs
from vis2sound_jax.systems.condfoley.token_cache import token_recordings
from vis2sound_jax.training.checkpoint import digest

COLUMNS, COLUMN_S = 10, 0.1


def make_recording(columns: int, events_s: list[float], materials: list[str]) -> tuple[TokenRecording, Any]:
    one = TokenRecording(
        id="x",
        codes=np.zeros((2, columns), np.int16),
        mel=np.zeros((4, columns), np.float16),
        features=np.zeros((columns, 1), np.float16),
        onset=np.zeros(columns, np.float32),
        fps=1 / COLUMN_S,
        column_s=COLUMN_S,
        event_s=np.array(events_s),
    )
    labels = {"event_material": materials, "event_action": ["hit"] * len(materials)}
    return one, {"id": "x", "annotated": True, "event_time_s": np.array(events_s), **labels}


def make_heard(columns: int, clicks_s: list[float]) -> tuple[TokenRecording, Any]:
    """A recording that nobody annotated, and that clicks."""
    wav = np.zeros(round(columns * COLUMN_S * 8000), np.float32)
    for time_s in clicks_s:
        wav[round(time_s * 8000) :][:40] = 0.8
    one, record = make_recording(columns, [], [])
    return one, {**record, "annotated": False, "audio": encode_flac(wav, 8000)}


def choose(*recordings: tuple[TokenRecording, Any], count: int = 40, seed: int = 0) -> list[Pair]:
    tokens, records = zip(*recordings, strict=True)
    return choose_pairs(tokens, records, COLUMNS, count, seed)


def test_pairs_are_of_one_material_and_apart_and_have_events() -> None:
    events_s = [0.5, 2.4, 4.6, 6.7, 8.5]
    one, record = make_recording(100, events_s, ["wood", "metal", "wood", "metal", "wood"])
    for pair in choose((one, record)):
        assert abs(pair.target - pair.condition) >= COLUMNS

        def labels(start: int) -> list[str]:
            inside = [k for k, t in enumerate(events_s) if start <= t / COLUMN_S + 1e-9 < start + COLUMNS]
            return [record["event_material"][k] for k in inside]

        assert labels(pair.target) and labels(pair.target)[0] == labels(pair.condition)[0]


def test_pairs_spread_evenly_over_the_recordings_that_can_serve() -> None:
    good = make_recording(60, [1.0, 4.0], ["wood", "wood"])
    short = make_recording(19, [1.0], ["wood"])
    quiet = make_recording(60, [], [])
    pairs = choose(good, short, quiet, good, count=7)
    assert [pair.recording for pair in pairs] == [0, 3, 0, 3, 0, 3, 0]
    assert choose(good, good) == choose(good, good) != choose(good, good, seed=1)
    assert len(set(choose(good, good))) > 10


def test_a_lone_event_is_paired_with_another_part_of_its_recording() -> None:
    for pair in choose(make_recording(20, [0.3], ["wood"])):
        assert {pair.target, pair.condition} == {0, 10}


def test_recordings_that_nobody_annotated_are_paired_around_what_can_be_heard() -> None:
    clicks_s = [0.5, 2.4, 4.6, 6.7, 8.5]
    for pair in choose(make_heard(100, clicks_s), make_heard(60, [])):
        assert pair.recording == 0 and abs(pair.target - pair.condition) >= COLUMNS
        for start in (pair.target, pair.condition):
            assert any(start <= (time_s + 0.03) / COLUMN_S < start + COLUMNS + 0.6 for time_s in clicks_s)


def test_recordings_too_short_are_told() -> None:
    with pytest.raises(UserError, match="no test recording has events and is at least 20 columns long; give longer"):
        choose(make_recording(19, [1.0], ["wood"]))


@pytest.fixture(scope="module")
def maker(tiny_run: Path) -> PairMaker:
    config = ConfigDict(json.loads((tiny_run / "config.json").read_text()))
    records = list(open_split(config, prepared_dir(tiny_run), "test"))
    foley, tokens = load(tiny_run), token_recordings(config, tiny_run, "test")
    return PairMaker(foley, config, tokens, records, rows.ablated_chains(foley, tiny_run))


@pytest.fixture(scope="module")
def pairs(maker: PairMaker) -> list[Pair]:
    return choose_pairs(maker.tokens, maker.records, maker.config.transformer.columns, 2, 0)


def test_every_row_sounds_every_pair_at_the_windows_length(maker: PairMaker, pairs: list[Pair]) -> None:
    told: list[tuple[int, int]] = []
    items = maker.items(pairs, progress=lambda *numbers: told.append(numbers))
    assert told[-1] == (2, 2) and len({item.name for item in items}) == 2
    n = maker.config.transformer.columns * maker.config.codebook.frames * maker.foley.spec.hop
    wanted = {rows.TAKE_ROW, rows.NO_CONDITION_ROW, rows.NO_CONDITION_VIDEO_ROW, rows.SHUFFLED_ROW}
    wanted |= {rows.TRANSFER_ROW, rows.PUBLISHED_TRANSFER_ROW, rows.ABLATION_ROWS["no_condition"]}
    for item, pair in zip(items, pairs, strict=True):
        assert set(item.takes) == wanted | {rows.CODES_ROW, rows.VOCODER_ROW, *RULES, TRUE_TIMES_ROW}
        assert len(as_list(item.takes[rows.TAKE_ROW])) == maker.config.evaluate.takes
        sounds = [item.wav, item.condition_wav, *(wav for takes in item.takes.values() for wav in as_list(takes))]
        assert {np.shape(wav) for wav in sounds} == {(n,)}
        assert all(np.isfinite(wav).all() for wav in sounds)
        one = maker.tokens[pair.recording]
        length_s = maker.config.transformer.columns * one.column_s
        for events in (item.target, item.condition):
            assert ((events.time_s >= 0) & (events.time_s < length_s)).all()
            assert len(events.time_s) == len(events.material) == len(events.action)
        assert item.span_s is not None and 0 <= item.span_s[0] < item.span_s[1] <= length_s
        assert item.video_onsets is not None and ((0 <= item.video_onsets[0]) & (item.video_onsets[0] < length_s)).all()


def test_the_true_window_is_the_recordings_own_sound(maker: PairMaker, pairs: list[Pair]) -> None:
    item, pair = maker.items(pairs)[0], pairs[0]
    begin = round(pair.target * maker.tokens[pair.recording].column_s * maker.foley.rate_hz)
    np.testing.assert_array_equal(item.wav, maker._wavs[pair.recording][begin : begin + len(item.wav)])


def test_a_shuffled_condition_is_another_recordings(maker: PairMaker, pairs: list[Pair]) -> None:
    batch = maker.examples(pairs)
    assert [pair.recording for pair in pairs] == [0, 1]
    shuffled = maker._shuffle(batch, pairs)
    for name, value in shuffled.items():
        own = name.startswith("target")
        np.testing.assert_array_equal(value, batch[name] if own else batch[name][::-1])


def test_each_ablation_changes_its_own_part_of_the_condition(maker: PairMaker, pairs: list[Pair]) -> None:
    batch = maker.examples(pairs)
    changed = rows.ablated(maker.foley.composer, batch, maker._shuffle(batch, pairs))
    differs = {
        row: {name for name in batch if not np.array_equal(batch[name], np.asarray(one[name]))}
        for row, one in changed.items()
    }
    everything = {"condition", "condition_video", "style"}
    blind = {"condition_video"}
    wanted = {rows.NO_CONDITION_ROW: everything, rows.NO_CONDITION_VIDEO_ROW: blind, rows.SHUFFLED_ROW: everything}
    assert differs == wanted
    assert not np.any(changed[rows.NO_CONDITION_VIDEO_ROW]["condition_video"])


def test_the_network_trained_without_a_condition_is_another_and_never_sees_one(
    maker: PairMaker, pairs: list[Pair]
) -> None:
    chain, sampled = maker.ablations["no_condition"], maker._sampled(pairs)
    assert digest(chain.params["transformer"]) != digest(maker.foley.params["transformer"])
    assert chain.params["codebook"] is maker.foley.params["codebook"] and maker.foley.composer == chain.composer
    other = [pairs[0]._replace(condition=pairs[1].condition), pairs[1]._replace(condition=pairs[0].condition)]
    row = rows.ABLATION_ROWS["no_condition"]
    (own, batch), (_, changed) = sampled[row], maker._sampled(other)[row]
    assert own is chain
    jax.tree.map(np.testing.assert_array_equal, batch, changed)
    np.testing.assert_array_equal(batch["target_video"], sampled[rows.TAKE_ROW][1]["target_video"])
    np.testing.assert_array_equal(maker._sample(chain, batch, 1, 0), maker._sample(chain, changed, 1, 0))
