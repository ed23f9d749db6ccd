import importlib.util
import json
import os
from pathlib import Path

import pytest

import vis2sound_jax
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.builders import load_builder_module

ROOT = Path(vis2sound_jax.__file__).parents[1]
TABLES = Path(os.environ.get("VIS2SOUND_SHARED", ROOT.parent / "shared")) / "metadata"
SPLITS = ROOT / "datasets" / "greatest_hits" / "splits"

hits = load_builder_module("greatest_hits")
countix = load_builder_module("countix_av")


def sessions(ids):
    return {hits.session_of(name) for name in ids}


@pytest.mark.skipif(not TABLES.is_dir(), reason="the annotation tables are not here (set VIS2SOUND_SHARED)")
def test_shipped_files_are_what_the_script_writes(tmp_path):
    spec = importlib.util.spec_from_file_location("make_splits", ROOT / "datasets" / "make_splits.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(
        [
            f"--greatest_hits={TABLES / 'greatest_hits_splits.json.gz'}",
            f"--countix_av={TABLES / 'countixav.json.gz'}",
            f"--output={tmp_path}",
        ]
    )
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("splits/*"))
    shipped = sorted(path.relative_to(ROOT / "datasets") for path in (ROOT / "datasets").rglob("splits/*"))
    assert written == shipped
    assert all((tmp_path / path).read_bytes() == (ROOT / "datasets" / path).read_bytes() for path in written)


@pytest.mark.parametrize(
    ("split", "train", "test", "shared"),
    [("official", 731, 242, 55), ("session_disjoint", 837, 136, 0), ("condfoley", 873, 97, 38)],
)
def test_shipped_splits_have_the_stated_sizes_and_leaks(tmp_path, split, train, test, shared):
    lists = hits.split_lists(tmp_path, split)
    assert [len(ids) for ids in lists] == [train, test]
    assert not set(lists[0]) & set(lists[1])
    assert len(sessions(lists[0]) & sessions(lists[1])) == shared
    rest, validation = hits.cut_validation(lists[0], 0.1)
    assert abs(len(validation) - train / 10) < 1 and sorted([*rest, *validation]) == sorted(lists[0])
    assert not sessions(rest) & sessions(validation)


def test_condfoley_items_and_pairs_match_the_published_counts():
    items = json.loads((SPLITS / "condfoley_items.json").read_text())
    for split, films, all_hits, in_2s, single in (
        ("train", 873, 33231, 32752, 20482),
        ("val", 753, 1955, 1926, 1203),
        ("test", 97, 4093, 4041, 2477),
    ):
        rows = items[split].values()
        assert len(rows) == films
        assert sum(len(row[0]) for row in rows) == all_hits
        assert sum(sum(row[1]) for row in rows) == in_2s
        assert sum(label >= 0 for row in rows for label in row[2]) == single
    pairs = json.loads((SPLITS / "amt_pairs.json").read_text())
    matches = [match for conditions in pairs.values() for match in conditions.values()]
    assert (len(pairs), len(matches), sum(matches)) == (194, 582, 197)
    assert {target.rsplit("_", 1)[0] for target in pairs} == set(items["test"])


def test_a_session_is_a_time_stamp():
    stamp = "2015-02-16-16-49-06"
    for name in (stamp, f"{stamp}-595", f"{stamp}-at10s"):
        assert hits.session_of(name) == stamp
    assert hits.session_of("scene-0003") == "scene-0003"


def test_validation_is_at_least_one_recording_and_does_not_depend_on_order():
    names = [f"scene-{number}" for number in range(4)]
    rest, validation = hits.cut_validation(names, 0.01)
    assert (len(rest), len(validation)) == (3, 1)
    assert hits.cut_validation(names[::-1], 0.01) == (rest, validation)
    assert hits.cut_validation(names[:3], 0.5) == (names[:3], [])
    takes = [f"2015-02-16-16-49-06-{take}" for take in range(10)]
    assert [len(part) for part in hits.cut_validation(takes, 0.2)] == [8, 2]


def test_the_folders_own_lists_come_first_and_must_be_whole(tmp_path):
    (tmp_path / "train.txt").write_text("a\n\nb \n")
    with pytest.raises(UserError, match="test.txt: is missing"):
        hits.split_lists(tmp_path, "official")
    (tmp_path / "test.txt").write_text("c\n")
    assert hits.split_lists(tmp_path, "official") == (["a", "b"], ["c"])
    (tmp_path / "test.txt").write_text("b\n")
    with pytest.raises(UserError, match="shares b with test.txt"):
        hits.split_lists(tmp_path, "official")


@pytest.mark.parametrize(
    "line", ["0.5 wood hit", "now wood hit None", "-1 wood hit None", "nan wood hit None", "inf a b c"]
)
def test_malformed_times_are_named(tmp_path, line):
    path = tmp_path / "a_times.txt"
    path.write_text(f"2.5 wood hit None\n\n1.5 None None None\n{line}\n")
    with pytest.raises(UserError, match="a_times.txt: line 4 is"):
        hits.read_times(path)
    path.write_text("2.5 wood hit None\n\n1.5 None None None\n")
    assert [event[0] for event in hits.read_times(path)] == [1.5, 2.5]


def test_spans_come_from_the_manifest(tmp_path):
    path = tmp_path / "manifest.json"
    assert hits.read_spans(path) == {}
    path.write_text('[{"video": "a", "annotated": [1, 34.0]}, {"video": "b"}]')
    assert hits.read_spans(path) == {"a": (1.0, 34.0)}
    path.write_text('{"a": [1, 2]}')
    with pytest.raises(UserError, match="manifest.json: is no list of recordings"):
        hits.read_spans(path)


def test_clip_names_may_differ_in_zeros():
    assert countix.clip_key("a_b_0007_0017") == countix.clip_key("a_b_000007_000017") == ("a_b", 7, 17)
    assert countix.clip_key("holiday") is None
