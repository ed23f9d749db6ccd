"""Laws of scenes: a close-up has one thing, which fills more of the frame, and the stick is seen to land on it."""

import numpy as np
import pytest

from vis2sound_jax.world.scene import Scene, draw_scene

HEIGHT, WIDTH = 72, 128


def scenes(*, close_up: bool) -> list[Scene]:
    return [draw_scene(np.random.default_rng(k), "train", HEIGHT, WIDTH, close_up=close_up) for k in range(24)]


def things(scene: Scene) -> float:
    """Share of the frame that things cover."""
    m = scene.margin
    return float((scene.layers[1:, 3, m:-m, m:-m] > 0.9).any(axis=0).mean())


def test_a_close_up_shows_one_target_and_more_of_it() -> None:
    near, far = scenes(close_up=True), scenes(close_up=False)
    assert all(len(scene.targets) == 1 for scene in near)
    assert any(len(scene.targets) == 2 for scene in far)
    covered = [[things(scene) for scene in kind if things(scene)] for kind in (near, far)]
    assert np.mean(covered[0]) > 1.5 * np.mean(covered[1])


@pytest.mark.parametrize("close_up", [True, False])
def test_the_stick_lands_inside_the_frame(close_up: bool) -> None:
    for scene in scenes(close_up=close_up):
        for target in scene.targets:
            assert 0 < target.centre[0] < WIDTH / HEIGHT and 0 < target.centre[1] < 1
