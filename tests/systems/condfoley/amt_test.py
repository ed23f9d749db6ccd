"""Laws of the listening test: pairs that are there are judged, in three columns; without any the error helps."""

import json
import shutil
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.condfoley.amt import run, score_pairs
from vis2sound_jax.systems.condfoley.scoring.listening_pairs import SUBSETS, AmtPair, present_pairs, read_amt_pairs

SHIPPED = Path(__file__).parents[3] / "datasets/greatest_hits/splits/amt_pairs.json"


@pytest.fixture
def workdir(tiny_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_run, tmp_path / "run"))


def config_of(workdir: Path) -> ConfigDict:
    return ConfigDict(json.loads((workdir / "config.json").read_text()))


def test_the_shipped_list_is_the_papers() -> None:
    pairs = read_amt_pairs(SHIPPED)
    assert len(pairs) == 582 and len({pair[:2] for pair in pairs}) == 194
    assert sum(pair.match for pair in pairs) == 197 and all(pair.target != pair.condition for pair in pairs)
    first = pairs[0]
    assert first == AmtPair("2015-02-21-17-09-17", 3.0667, "2015-10-06-20-27-19-220", 7.5333, False)
    assert present_pairs(pairs, {first.target, first.condition}) == [first]


def test_pairs_that_are_there_are_judged_in_three_columns(workdir: Path) -> None:
    config = config_of(workdir)
    test, train = ([record["id"] for record in open_split(config, prepared_dir(workdir), s)] for s in ("test", "train"))
    made_up = [
        AmtPair(test[0], 0.9333, test[1], 1.6, True),
        AmtPair(test[0], 0.9333, train[0], 0.2, False),
        AmtPair(test[1], 2.0667, test[0], 0.0, False),
        AmtPair(test[1], 4.5, test[0], 0.0, False),  # reaches beyond the film's end
        AmtPair(test[1], 2.0667, "not there", 0.0, True),
    ]
    summary = score_pairs(config, workdir, made_up)
    assert (summary["pairs"], summary["of"], summary["recordings_in_training"]) == (3, 5, 1)
    metrics = json.loads((workdir / "amt/metrics.json").read_text())
    assert [metrics[name]["items"] for name in SUBSETS] == [3, 1, 2]
    for name in SUBSETS:
        assert metrics[name]["rows"]["real sound"]["onset_ap_100ms"]["value"] is not None
        assert metrics[name]["legacy"]["rows"]["real sound"]["onset_ap"]["value"] == 1.0
    page = (workdir / "amt/report.html").read_text()
    assert "3 of 5 pairs, 1 match" in page and "material: mismatch" in page and "#onset acc: match" in page
    assert (workdir / "amt/examples.jsonl").read_text().count("\n") > 3


def test_without_any_pair_the_error_names_where_to_get_the_films(workdir: Path) -> None:
    with pytest.raises(UserError, match="none of the 582 pairs .*andrewowens.com/vis.*--config.data.recordings"):
        run(config_of(workdir), workdir)
    assert not (workdir / "amt").exists()
