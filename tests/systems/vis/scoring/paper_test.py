"""Laws of the paper's numbers: under our names, within their ranges, none for rows that the paper has not."""

from vis2sound_jax.systems.vis.scoring import paper
from vis2sound_jax.systems.vis.scoring.impacts import KINDS
from vis2sound_jax.systems.vis.scoring.text import LEVELS

OURS = {*LEVELS, *KINDS}


def test_metrics_have_our_names():
    for row in paper.PAPER_ROW:
        assert set(paper.paper_metrics(row)) <= OURS
    assert paper.paper_metrics("full system")["loudness_r"] == 0.44
    assert paper.paper_metrics("image + spacetime match")["centroid_mse"] == 7.74
    assert paper.paper_metrics("ridge") == {} and paper.paper_study("ridge") is None
    assert paper.paper_study("image + spacetime match").percent == 33.77
    assert paper.paper_study("real-sound match").percent == 46.9


def test_shares_are_shares_and_rates_are_percent():
    shares = [*paper.FIGURE_6B.values(), *paper.CHANCE.values(), *paper.DETECTION_AP.values()]
    shares += [share for heard in paper.HEARD.values() for share in heard.values()]
    assert all(0 < share < 1 for share in shares)
    rates = [row.real for row in paper.FIGURE_5A.values()] + [*paper.FIGURE_6A.values(), *paper.FIGURE_7.values()]
    assert all(10 < rate.percent < 65 and 1 < rate.margin < 10 for rate in rates)


def test_parametric_synthesis_is_the_full_system_without_its_exemplars():
    full, parametric = (paper.FIGURE_5A[row] for row in ("full system", "parametric synthesis"))
    assert full[1:] == parametric[1:] and full.real != parametric.real
