"""Laws of the plan and of the paths: contact is where and when the label says, and nowhere else."""

import numpy as np
import pytest

from vis2sound_jax.world.materials import MATERIALS, REACTIONS
from vis2sound_jax.world.motion import (
    Gesture,
    Stroke,
    Target,
    contact_at,
    draw_times,
    height_at,
    noise_path,
    plan_strokes,
    tip_and_hand,
    withdrawal_at,
)

RATE_HZ = 22050
GESTURE = Gesture((0.1, -0.8), (1.0, 0.0), stick=0.4, tilt=0.1, follow=0.5, withdraw=0.8, sway=0.03)


def _targets() -> list[Target]:
    return [Target("wood", (0.6, 0.6), (0.1, 0.05), 1.0), Target("cloth", (1.2, 0.6), (0.1, 0.05), 1.2)]


def _plan(seed: int, seconds: float = 10.0) -> list[Stroke]:
    return plan_strokes(np.random.default_rng(seed), _targets(), seconds, RATE_HZ, reach=1.0)


@pytest.mark.parametrize("seed", range(20))
def test_times_are_irregular_apart_and_inside(seed: int) -> None:
    times = np.array(draw_times(np.random.default_rng(seed), 10.0))
    assert 4 <= len(times) <= 12
    assert times[0] >= 0.5 and times[-1] < 10
    assert np.diff(times).min() >= 0.4 and np.diff(times).std() > 0.02


@pytest.mark.parametrize("seed", range(20))
def test_four_strokes_at_least_are_heard_and_fall_on_samples(seed: int) -> None:
    strokes = _plan(seed)
    assert sum(stroke.action != "miss" for stroke in strokes) >= 4
    for stroke in strokes:
        assert stroke.reaction in REACTIONS
        assert stroke.time_s * RATE_HZ == pytest.approx(round(stroke.time_s * RATE_HZ), abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_the_tip_touches_at_contact_and_is_above_just_before(seed: int) -> None:
    strokes = _plan(seed)
    for stroke in strokes:
        at, before = height_at(strokes, np.array([stroke.time_s, stroke.time_s - 0.03]))
        assert at == pytest.approx(stroke.gap, abs=1e-9)
        assert before >= at if stroke.chained else before > at
        assert (stroke.gap > 0) == (stroke.action == "miss")


@pytest.mark.parametrize("seed", range(20))
def test_contact_only_within_strokes_that_are_heard(seed: int) -> None:
    strokes = _plan(seed)
    times = np.arange(0, 10, 0.002)
    touching = height_at(strokes, times) < 1e-6
    allowed = np.zeros_like(touching)
    for stroke, after in zip(strokes, [*strokes[1:], strokes[-1]], strict=True):
        end = after.time_s if after.chained and after is not stroke else stroke.time_s + stroke.stay_s
        if stroke.action != "miss":
            allowed |= (times >= stroke.time_s - 0.01) & (times <= end + 0.01)
    assert not (touching & ~allowed).any()


@pytest.mark.parametrize("seed", range(10))
def test_paths_do_not_jump(seed: int) -> None:
    strokes = _plan(seed)
    times = np.arange(0, 10, 0.001)
    assert np.abs(np.diff(height_at(strokes, times))).max() < 0.03
    assert np.abs(np.diff(contact_at(strokes, times), axis=0)).max() < 0.02
    assert np.abs(np.diff(withdrawal_at(strokes, times, GESTURE))).max() < 0.05


def test_tip_is_on_the_point_of_contact_at_each_hit() -> None:
    strokes = _plan(3)
    times = np.array([stroke.time_s for stroke in strokes])
    tip, hand, height = tip_and_hand(np.random.default_rng(0), strokes, GESTURE, times)
    down = height == 0
    assert down.sum() >= 4
    np.testing.assert_allclose(tip[down], contact_at(strokes, times)[down], atol=1e-9)
    assert (np.linalg.norm(hand - tip, axis=1) > 0.2).all()


def test_a_scratch_slides_from_its_point_by_its_slide() -> None:
    scratch = Stroke(1.0, "scratch", "static", 0, (0.5, 0.5), 0.1, 0.1, 2.0, 0.0, 0.4, (0.2, 0.1), False)
    foot = contact_at([scratch], np.array([0.9, 1.0, 1.2, 1.4, 1.5]))
    expected = [[0.5, 0.5], [0.5, 0.5], [0.6, 0.55], [0.7, 0.6], [0.7, 0.6]]
    np.testing.assert_allclose(foot, expected, atol=1e-9)
    times = np.linspace(1, 1.4, 4001)
    speeds = np.linalg.norm(np.diff(contact_at([scratch], times), axis=0), axis=1) / (times[1] - times[0])
    assert speeds.max() == pytest.approx(scratch.speed, rel=1e-3)


def test_the_way_back_of_a_scratch_stays_on_the_surface() -> None:
    chained = 0
    for seed in range(40):
        strokes = _plan(seed)
        for before, after in zip(strokes, strokes[1:], strict=False):
            if after.chained:
                chained += 1
                between = np.linspace(before.time_s, after.time_s, 50)
                assert (height_at(strokes, between) == 0).all()
                assert (withdrawal_at(strokes, between, GESTURE) == 0).all()
                np.testing.assert_allclose(after.slide, [-before.slide[0], -before.slide[1]])
    assert chained > 5


def test_speed_of_arrival_is_the_slope_of_the_path() -> None:
    hit = Stroke(1.0, "hit", "static", 0, (0.5, 0.5), 0.3, 0.15, 2.0, 0.0, 0.2, (0.0, 0.0), False)
    before = height_at([hit], np.array([1.0 - 1e-5]))
    assert before[0] / 1e-5 == pytest.approx(hit.speed, rel=1e-3)


def test_actions_have_the_shares_of_greatest_hits() -> None:
    actions = [stroke.action for seed in range(300) for stroke in _plan(seed)]
    heard = [action for action in actions if action != "miss"]
    assert 0.24 < heard.count("scratch") / len(heard) < 0.38
    assert 0.04 < actions.count("miss") / len(actions) < 0.2


def test_reactions_are_those_of_the_material() -> None:
    for seed in range(20):
        for stroke in _plan(seed):
            allowed = MATERIALS[_targets()[stroke.target].material].reactions
            assert stroke.reaction in allowed if stroke.action == "hit" else stroke.reaction == "static"


def test_noise_path_has_the_amplitude_asked_for() -> None:
    times = np.arange(0, 200, 0.05)
    path = noise_path(np.random.default_rng(1), times, 0.02, 0.2, 2.0)
    assert path.shape == (len(times), 2)
    np.testing.assert_allclose(path.std(0), 0.02, rtol=0.1)
