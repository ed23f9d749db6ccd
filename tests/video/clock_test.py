"""Laws of transport streams: parts that were joined follow one another, overflowing counters go on, nothing is lost."""

from pathlib import Path

import numpy as np
import pytest

from tests.transport import TICKS_HZ, bursts, greys, join, write_burst_film
from vis2sound_jax.audio.example import Example
from vis2sound_jax.video.container import Media
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import mux_sounds

OVERFLOW_S = 2**33 / TICKS_HZ


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("parts")
    return {
        "a": write_burst_film(folder / "a.ts", bursts_s=(0.55, 1.55)),
        "b": write_burst_film(folder / "b.ts", bursts_s=(0.75,), grey=90),
        "far": write_burst_film(folder / "far.ts", bursts_s=(0.35,), first_s=5000.0, grey=60),
        "plain": write_burst_film(folder / "plain.ts", bursts_s=(0.15,), options={"bf": "0"}, grey=120),
        "wrapped": write_burst_film(folder / "wrapped.ts", bursts_s=(0.55, 1.35), first_s=OVERFLOW_S - 1.0),
    }


JOINS = [
    (("a", "b"), (2.0,), [0.5, 1.5, 2.7]),
    (("a", "far"), (2.0,), [0.5, 1.5, 2.3]),
    (("far", "a"), (2.0,), [0.3, 2.5, 3.5]),
    (("plain", "a", "plain"), (2.0, 4.0), [0.1, 2.5, 3.5, 4.1]),
    (("a", "wrapped", "b"), (2.0, 4.0), [0.5, 1.5, 2.5, 3.3, 4.7]),
]


@pytest.mark.parametrize(("names", "joined_s", "heard_s"), JOINS, ids=lambda value: "-".join(map(str, value)))
def test_joined_parts_are_seen_heard_and_copied_one_after_another(
    parts: dict[str, Path], tmp_path: Path, names: tuple[str, ...], joined_s: tuple[float, ...], heard_s: list[float]
) -> None:
    path = join(tmp_path / "joined.ts", *(parts[name] for name in names))
    shown = [grey for name in names for grey in greys(parts[name])]
    with Film.open(path) as film:
        # A part whose pictures wait longer before they are shown begins a little later.
        late_s = 0.1 * (names[0] == "plain")
        assert film.duration_s == pytest.approx(2.0 * len(names), abs=1e-3 + late_s)
        assert film.facts.joined_at_s == pytest.approx(joined_s, abs=1e-3 + late_s)
        silence = np.zeros(round(film.duration_s * 8000), np.float32)
        mux_sounds(film, [silence, silence], 8000, [tmp_path / "copy.mp4", tmp_path / "copy.mkv"])
    if names[0] != "plain":
        assert greys(path) == shown and bursts(path) == heard_s
    for copy in (tmp_path / "copy.mp4", tmp_path / "copy.mkv"):
        assert greys(copy) == greys(path)
    with Example.open(path) as example:
        part = example.read(8000, start_s=1.0, duration_s=0.8)
        np.testing.assert_allclose(part, example.read(8000)[8000:14400], atol=1e-4)


@pytest.mark.parametrize(("first_s", "fps", "pictures"), [(OVERFLOW_S - 2.4, 25, 100), (OVERFLOW_S - 75, 1, 100)])
def test_a_counter_that_overflows_goes_on(tmp_path: Path, first_s: float, fps: int, pictures: int) -> None:
    seconds = pictures / fps
    path = write_burst_film(
        tmp_path / "film.ts", pictures=pictures, fps=fps, first_s=first_s, bursts_s=(0.55, 0.8 * seconds + 0.05)
    )
    with Film.open(path) as film:
        assert film.duration_s == pytest.approx(seconds) and film.facts.joined_at_s == ()
        # From the file's first time stamp, which is that of the sound's padding.
        assert 0 <= film.facts.source_zero_s < 0.05
        late = [picture.mean() for picture in film.pictures(fps, 12, 16, look="grey", start_s=0.8 * seconds)]
        mux_sounds(film, [np.zeros(8000, np.float32)], 8000, [tmp_path / "copy.mp4"])
    assert greys(path, fps) == greys(tmp_path / "copy.mp4", fps) and len(set(greys(path, fps))) > 80
    np.testing.assert_allclose(late, greys(path, fps)[round(0.8 * pictures) :], atol=1)
    assert bursts(path) == [0.5, round(0.8 * seconds, 1)]


def test_a_steady_clock_has_no_joins(parts: dict[str, Path]) -> None:
    for name in ("a", "plain", "far", "wrapped"):
        with Media(parts[name]) as media:
            assert media.joins == {}


def test_a_gap_in_pictures_under_sound_that_goes_on_is_none(tmp_path: Path) -> None:
    path = write_burst_film(tmp_path / "still.ts", pictures=2, fps=1, seconds=30.0, bursts_s=(0.55, 1.05))
    with Media(path) as media:
        assert media.joins == {}
