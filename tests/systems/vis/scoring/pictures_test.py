"""Laws of the pictures of impacts: PNG files, the same for the same sounds, classes in the order given."""

import numpy as np
import pytest

from tests.systems.vis.scoring.impact_worlds import made_up_impacts
from vis2sound_jax.systems.vis.scoring.pictures import (
    cochleagrams_picture,
    mean_cochleagrams_picture,
    soft_confusion_picture,
)

PNG = b"\x89PNG\r\n\x1a\n"
TEST = made_up_impacts(1)


def test_pictures_are_reproducible():
    made = [mean_cochleagrams_picture(TEST.features, TEST.material, "material") for _ in range(2)]
    assert made[0] == made[1] and made[0].startswith(PNG)
    assert mean_cochleagrams_picture(TEST.features, ["None"] * 96, "material").startswith(PNG)
    clips = [
        ("a", {"real sound": TEST.features[0], "ridge": TEST.features[1]}),
        ("b", {"real sound": TEST.features[2]}),
    ]
    assert cochleagrams_picture(clips).startswith(PNG)
    with pytest.raises(ValueError, match="no clip"):
        cochleagrams_picture([])


def test_confusion_is_drawn_in_the_order_given():
    soft = {"real": np.eye(3) * 0.5 + 0.1}
    straight, turned = (
        soft_confusion_picture(soft, list("abc"), order, "material") for order in ([0, 1, 2], [2, 0, 1])
    )
    assert straight.startswith(PNG) and straight != turned
