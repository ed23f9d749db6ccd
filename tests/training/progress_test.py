"""Progress off a terminal: silent when short, plain lines with rate and remaining time when long."""

import pytest

from vis2sound_jax.training import progress
from vis2sound_jax.training.progress import Progress, track


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(progress, "time", fake)
    return fake


def test_track_yields_all_and_is_silent_when_short(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track([1, 2, 3], "films")) == [1, 2, 3]
    assert list(track(iter("ab"), "films", total=2)) == ["a", "b"]
    assert capsys.readouterr() == ("", "")


def test_a_line_every_half_minute(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(100, "codebook", initial=20) as bar:
        for _ in range(5):
            clock.now_s += 10
            bar.advance(4, note="loss 0.5")
    assert capsys.readouterr().err == "codebook: 32/100 steps (32 %), 0.4 steps/s, 2 min 50 s left, loss 0.5\n"


def test_unknown_total_and_reports_from_elsewhere(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(None, "prepare", unit="film") as bar:
        clock.now_s += 40
        bar.advance(2)
        clock.now_s += 40
        bar.reach(8, 10)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "prepare: 2 films, 0.05 films/s",
        "prepare: 8/10 films (80 %), 0.1 films/s, 0 min 20 s left",
    ]
