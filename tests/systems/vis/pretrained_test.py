"""AlexNet's convolutions as streams: read from a file, applied to space-time images and colours, full layers tuned."""

from pathlib import Path

import jax
import numpy as np
import pytest

from tests.models.alexnet_test import HIDDEN, WIDTHS, state_dict
from vis2sound_jax.errors import UserError
from vis2sound_jax.systems.vis.pretrained import FULL, AlexNetWatcher, load_alexnet, with_full_layers
from vis2sound_jax.systems.vis.watching import Shot
from vis2sound_jax.video.frames import IMAGENET, normalise


@pytest.fixture(scope="module")
def watcher(tmp_path_factory: pytest.TempPathFactory) -> AlexNetWatcher:
    path = tmp_path_factory.mktemp("weights") / "alexnet.npz"
    np.savez(path, **state_dict())
    net, params = load_alexnet(str(path))
    assert (net.widths, net.hidden) == (WIDTHS, HIDDEN)
    return AlexNetWatcher(net, params)


def test_both_streams_are_pool5_of_the_frames_middle(watcher: AlexNetWatcher) -> None:
    rng = np.random.default_rng(0)
    grey, colour = rng.integers(0, 256, (3, 228, 230), np.uint8), rng.integers(0, 256, (3, 228, 230, 3), np.uint8)
    motion, look = watcher.watch(Shot(grey, colour))
    middle = np.stack([grey[[0, 0, 1]], grey, grey[[1, 2, 2]]], axis=-1)[:, 2:226, 3:227]
    pool5 = jax.jit(lambda x: watcher.net.apply({"params": watcher.params}, x, method="pool5"))
    expected = np.asarray(pool5(normalise(middle, IMAGENET))).reshape(3, -1)
    np.testing.assert_allclose(motion, expected, rtol=1e-4, atol=1e-5)
    assert look.shape == motion.shape and not np.allclose(look, motion)


def test_small_frames_and_missing_files_are_refused(watcher: AlexNetWatcher, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="frames are 72 x 128; AlexNet's streams need 224 pixels each way"):
        watcher.watch(Shot(np.zeros((2, 72, 128), np.uint8), np.zeros((2, 72, 128, 3), np.uint8)))
    with pytest.raises(UserError, match="config.streams.weights names no file"):
        load_alexnet("")
    with pytest.raises(UserError, match="alexnet.pth: there is no such file"):
        load_alexnet(str(tmp_path / "alexnet.pth"))


def test_each_stream_starts_from_imagenets_full_layers(watcher: AlexNetWatcher) -> None:
    fresh = {"lstm": {"wx": np.zeros(1)}, "motion_alexnet": {}, "still_alexnet": {}}
    started = with_full_layers(fresh, watcher.params)
    assert set(started) == set(fresh) and started["lstm"] is fresh["lstm"]
    for stream in ("motion_alexnet", "still_alexnet"):
        assert set(started[stream]) == set(FULL)
        np.testing.assert_array_equal(started[stream]["full6"]["kernel"], watcher.params["full6"]["kernel"])
