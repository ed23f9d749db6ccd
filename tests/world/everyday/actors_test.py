"""Laws of what acts in everyday films: paths are finite, what is heard has a time, bystanders are silent."""

from collections.abc import Callable

import numpy as np
import pytest

from vis2sound_jax.world.everyday.bursts import burst, flash
from vis2sound_jax.world.everyday.bystanders import BYSTANDERS
from vis2sound_jax.world.everyday.cast import Cast
from vis2sound_jax.world.everyday.contacts import Contacts, draw_contacts, draw_lift, draw_tremble
from vis2sound_jax.world.everyday.moves import bounce, collide, rub, slide, tear
from vis2sound_jax.world.everyday.strikes import clap, press, steps, tool

MOMENTS = np.arange(100)[:, None] / 25 + np.array([0.0, 0.01])
ACTORS = (tool, press, clap, steps, bounce, slide, collide, rub, tear, flash, burst)


def cast_of(actor: Callable[[Cast], None], seed: int) -> Cast:
    cast = Cast(np.random.default_rng(seed), MOMENTS)
    actor(cast)
    return cast


@pytest.mark.parametrize("actor", (*ACTORS, *BYSTANDERS), ids=lambda actor: actor.__name__)
def test_every_body_has_a_finite_path_and_a_size(actor: Callable[[Cast], None]) -> None:
    for seed in range(8):
        cast = cast_of(actor, seed)
        assert len(cast.paths) == len(cast.looks)
        for path in cast.paths:
            assert path.shape == (100, 2, 6) and np.isfinite(path).all()
            assert (path[..., 3:5] > 0).all() and ((path[..., 5] >= 0) & (path[..., 5] <= 1)).all()
        assert np.isfinite(cast.light).all()


@pytest.mark.parametrize("actor", ACTORS, ids=lambda actor: actor.__name__)
def test_actors_are_heard(actor: Callable[[Cast], None]) -> None:
    assert sum(len(cast_of(actor, seed).events) > 0 for seed in range(16)) >= 6


@pytest.mark.parametrize("bystander", BYSTANDERS, ids=lambda actor: actor.__name__)
def test_bystanders_move_and_are_not_heard(bystander: Callable[[Cast], None]) -> None:
    cast = cast_of(bystander, 0)
    assert not cast.events
    assert any(np.ptp(path, axis=(0, 1)).max() > 0 for path in cast.paths)


def test_a_thing_is_down_at_contact_and_up_between() -> None:
    moments = np.arange(0, 4, 0.005)[:, None]
    contacts = Contacts(np.array([1.0, 2.0, 3.0]), np.array([False, False, False]))
    for seed in range(10):
        lift = draw_lift(np.random.default_rng(seed), moments, contacts)[:, 0]
        for time_s in contacts.times_s:
            assert lift[np.searchsorted(moments[:, 0], time_s)] < 0.02
            assert lift[np.searchsorted(moments[:, 0], time_s) - 5] > 0.05
        assert lift.min() >= 0


def test_a_missed_contact_stops_above_and_turns_smoothly() -> None:
    moments = np.arange(0, 3, 0.005)[:, None]
    contacts = Contacts(np.array([1.5]), np.array([True]))
    for seed in range(10):
        lift = draw_lift(np.random.default_rng(seed), moments, contacts)[:, 0]
        assert lift[moments[:, 0] > 0.5].min() > 0
        assert np.abs(np.diff(lift, 2)).max() < 2e-3
    assert not len(contacts.heard_s)


def test_contacts_ascend_and_go_on_beyond_the_film() -> None:
    for seed in range(20):
        contacts = draw_contacts(np.random.default_rng(seed), 4.0)
        assert (np.diff(contacts.times_s) >= 0.11 - 1e-9).all() and contacts.times_s[-1] > 2
        assert not draw_contacts(np.random.default_rng(seed), 4.0, misses=False).missed.any()


def test_a_thing_trembles_after_contacts_only() -> None:
    contacts = Contacts(np.array([2.0]), np.array([False]))
    moved = draw_tremble(np.random.default_rng(0), MOMENTS, contacts, 0.1)
    assert not moved[MOMENTS < 2.0].any() and np.abs(moved).max() > 0.005
