"""Reflections of a shoebox room: where they come from, how late and how loud; beside pyroomacoustics where it is."""

import numpy as np
import pytest

from vis2sound_jax.audio.head import SOUND_SPEED, Head
from vis2sound_jax.audio.room import Room
from vis2sound_jax.errors import UserError

RATE_HZ = 16000
ROOM = Room()
SOURCE = np.array([[1.0, 3.0, 1.2]])


def test_images_are_those_of_pyroomacoustics() -> None:
    pytest.importorskip("pyroomacoustics", reason="the extra `dev` is not installed")
    import pyroomacoustics as other

    theirs = other.ShoeBox(ROOM.size_m, fs=RATE_HZ, materials=other.Material(ROOM.absorption), max_order=ROOM.order)
    theirs.add_source(SOURCE[0])
    theirs.add_microphone(ROOM.head_m)
    theirs.image_source_model()
    wanted = np.column_stack([theirs.sources[0].images.T, np.ravel(theirs.sources[0].damping)])
    found = np.array([[*place[0], gain] for place, gain in ROOM.images(SOURCE)])
    in_order = lambda rows: rows[np.lexsort(np.round(rows, 4).T)]  # noqa: E731
    np.testing.assert_allclose(in_order(found), in_order(wanted), atol=1e-5)


def test_there_are_six_reflections_of_one_wall_and_eighteen_of_two() -> None:
    gains = [gain for _, gain in ROOM.images(SOURCE)]
    assert [round(gain**2, 3) for gain in (gains[0], gains[6], gains[7], gains[24])] == [1.0, 0.6, 0.36, 0.36]
    assert len(gains) == 1 + 6 + 18


def test_a_click_comes_from_its_side_first_and_back_from_the_walls() -> None:
    room = Room(order=1)
    head = Head(shadow=1.0)
    click = np.zeros(1600)
    click[200] = 1
    at = room.place(np.array([60.0]), 1.5)
    ears = room.hear(head, click, at, RATE_HZ)
    assert np.abs(ears[1]).max() > 2 * np.abs(ears[0]).max()
    assert np.abs(ears[:, :180]).max() < 1e-3
    direct = np.linalg.norm(at[0] - room.head_m)
    late = sorted(np.linalg.norm(place[0] - room.head_m) - direct for place, _ in room.images(at))
    first = 200 + round(late[1] / SOUND_SPEED * RATE_HZ)
    assert np.abs(ears[:, first - 20 : first + 20]).max() > 0.05


def test_without_reflections_a_source_at_a_metre_is_what_the_head_hears() -> None:
    room, head = Room(order=0), Head()
    wav = np.random.default_rng(0).standard_normal(1600)
    track = np.linspace(-40, 40, 1600)
    found = room.hear(head, wav, room.place(track, 1.0), RATE_HZ)
    np.testing.assert_allclose(found, head.hear(wav, track, RATE_HZ), atol=1e-5)


def test_places_keep_their_direction_and_stay_in_the_room() -> None:
    track = np.linspace(-90, 90, 37)
    places = ROOM.place(track, 30.0)
    assert (places > 0).all() and (places < ROOM.size_m).all()
    way = places - ROOM.head_m
    np.testing.assert_allclose(np.rad2deg(np.arctan2(way[:, 0], way[:, 1])), track, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(ROOM.place(track, 1.0) - ROOM.head_m, axis=1), 1.0)


def test_heads_outside_and_walls_that_amplify_are_refused() -> None:
    with pytest.raises(UserError, match="in a room of .* put it between the walls"):
        Room(head_m=(6.0, 1.0, 1.0))
    with pytest.raises(UserError, match="walls absorb 1.5 of the sound; choose 0 to 1"):
        Room(absorption=1.5)
