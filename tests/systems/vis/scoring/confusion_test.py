"""Laws of the order of classes: every class once, neighbours side by side, ties to the lower index."""

import numpy as np

from vis2sound_jax.systems.vis.scoring.confusion import confusion_order


def test_confusion_order_chains_neighbours():
    place = np.array([0.0, 3.0, 1.0, 2.0])
    soft = np.exp(-(np.subtract.outer(place, place) ** 2))
    assert confusion_order(soft) == [0, 2, 3, 1]
    assert confusion_order(soft, start=1) == [1, 3, 2, 0]
    assert confusion_order(np.zeros((0, 0))) == []


def test_every_class_comes_once_and_ties_go_to_the_lower_index():
    soft = np.random.default_rng(0).dirichlet(np.ones(7), size=7)
    assert sorted(confusion_order(soft, start=3)) == list(range(7))
    assert confusion_order(np.ones((4, 4)) / 4, start=2) == [2, 0, 1, 3]
