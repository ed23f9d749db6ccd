"""Laws of timecode: names and numbers of frames are one to one, and dropped names are where the standard has them."""

from fractions import Fraction

import opentimelineio
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.timecode import RATES, Rate, as_written, rate_of

DROP = Rate(Fraction(30000, 1001), drop=True)
DROP60 = Rate(Fraction(60000, 1001), drop=True)
NTSC = Rate(Fraction(30000, 1001))
FILM = Rate(Fraction(24000, 1001))


def test_published_values_of_dropped_names() -> None:
    """SMPTE ST 12-1: two names a minute are left out, but not in each tenth minute."""
    assert [DROP.name(frame) for frame in (1799, 1800, 1801)] == ["00:00:59;29", "00:01:00;02", "00:01:00;03"]
    assert [DROP.name(frame) for frame in (17981, 17982)] == ["00:09:59;29", "00:10:00;00"]
    assert DROP.name(107_892) == "01:00:00;00" and DROP.number("01:00:00;00") == 107_892
    assert DROP.number("10:00:00;00") == 1_078_920 and DROP.day == 2_589_408
    # An hour of names is an hour on the clock but for 3.6 ms.
    assert DROP.time_of(107_892) == Fraction(35_999_964, 10_000) == 3600 - Fraction(36, 10_000)
    assert NTSC.name(107_892) == "00:59:56:12" and NTSC.time_of(NTSC.number("01:00:00:00")) == Fraction(36036, 10)
    assert DROP60.name(3600) == "00:01:00;04" and DROP60.name(35_964) == "00:10:00;00"
    assert DROP60.name(215_784) == "01:00:00;00"


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_frame_has_one_name_and_a_name_one_frame(rate: Rate) -> None:
    frames = [
        *range(0, 40_000, 13),
        *range(rate.day // 2, rate.day // 2 + 20_000, 7),
        *range(rate.day - 2000, rate.day),
    ]
    names = [rate.name(frame) for frame in frames]
    assert [rate.number(name) for name in names] == frames and len(set(names)) == len(set(frames))
    assert rate.name(rate.day + 5) == rate.name(5) and rate.name(-1) == rate.name(rate.day - 1)
    assert all(rate.frame_at(rate.time_of(frame)) == frame for frame in frames)


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate.nominal != 48], ids=str)
def test_names_are_those_of_another_library(rate: Rate) -> None:
    time, fps = opentimelineio.opentime, float(rate.fps)
    for frame in (0, 1, 1798, 1800, 3599, 3600, 17_981, 17_982, 35_963, 35_964, 107_891, 107_892, 215_784, 1_000_000):
        theirs = time.to_timecode(time.RationalTime(frame, fps), fps, drop_frame=rate.drop)
        assert rate.name(frame) == theirs
        assert rate.number(theirs) == time.from_timecode(theirs, fps).value == frame


def test_times_are_those_of_the_nearest_frames() -> None:
    for rate in RATES:
        for time_s in (0.0, 0.01, 1.2345, 59.999, 3599.98765):
            assert abs(rate.time_of(rate.frame_at(time_s)) - Fraction(time_s)) <= 1 / (2 * rate.fps)
    assert Rate(Fraction(25)).frame_at(Fraction(1, 50)) == 1


def test_rates_of_containers_are_found() -> None:
    for fps, rate in (
        *((23.976, FILM), (23.976023976, FILM), (24.0, Rate(Fraction(24))), (25.0, Rate(Fraction(25)))),
        *((29.97, NTSC), (30.0, Rate(Fraction(30))), (50.0, Rate(Fraction(50))), (15.0, Rate(Fraction(15)))),
        *((59.94, Rate(Fraction(60000, 1001))), (Fraction(60), Rate(Fraction(60))), (29.87, None), (0.5, None)),
        *((float("nan"), None), (float("inf"), None), (1000.0, None)),
    ):
        assert rate_of(fps) == rate
    assert rate_of(29.97, drop=True) == DROP and rate_of(25.0, drop=True) == Rate(Fraction(25))
    assert as_written(NTSC, "01:00:00;00") == DROP and as_written(DROP, "01:00:00:00") == NTSC
    assert as_written(FILM, "01:00:00;00") == FILM
    assert [str(rate) for rate in (FILM, NTSC, DROP, DROP60, Rate(Fraction(25)))] == [
        *("23.976", "29.97", "29.97 DF", "59.94 DF", "25")
    ]


@pytest.mark.parametrize(
    ("rate", "name", "message"),
    [
        (DROP, "00:01:00;00", "'00:01:00;00' is a name that 29.97 DF leaves out; the minute begins with 00:01:00;02"),
        (DROP60, "00:11:00;03", "leaves out; the minute begins with 00:11:00;04"),
        (NTSC, "00:00:00:30", "frames at 29"),
        (NTSC, "24:00:00:00", "hours end at 23"),
        (NTSC, "00:60:00:00", "is no timecode at 29.97"),
        (NTSC, "soon", "'soon' is no timecode; write it as 01:00:00:00"),
        (NTSC, "", "is no timecode"),
        (NTSC, "-1:00:00:00", "is no timecode"),
    ],
)
def test_names_of_no_frame_are_told(rate: Rate, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        rate.number(name)


def test_rates_of_no_timecode_are_told() -> None:
    with pytest.raises(UserError, match="there is no timecode for that"):
        Rate(Fraction(247, 10))
    with pytest.raises(UserError, match="drops no names"):
        Rate(Fraction(24000, 1001), drop=True)
