"""Laws of the checks: every case is a row, one that fails stops no other, and time is kept."""

from typing import Any

from vis2sound_jax.accelerator.checks import Case, Check, Clock, first_line, run_checks


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def case(self, name: str, seconds: float, **row: Any) -> Case:
        """A case that takes so long."""

        def run() -> dict[str, Any]:
            self.seconds += seconds
            return row

        return Case(name, run)


def failing() -> dict[str, Any]:
    raise NotImplementedError("no such kernel\nand much more")


def rows_of(watch: Watch, *checks: Check, seconds: float = 100.0) -> tuple[bool, list[tuple[str, str, str]]]:
    found: list[tuple[str, str, str]] = []
    note = lambda check, row: found.append((check, row["name"], row["status"]))  # noqa: E731
    return run_checks(checks, Clock(seconds, watch), note), found


def test_a_case_that_fails_is_a_row_with_its_reason_and_the_others_go_on() -> None:
    watch, found = Watch(), []
    check = Check("one", 50, [Case("bad", failing), watch.case("good", 2.0, value=3)])
    assert not run_checks([check], Clock(100, watch), lambda _, row: found.append(row))
    assert found == [
        {"name": "bad", "status": "failed", "reason": "NotImplementedError: no such kernel", "seconds": 0.0},
        {"name": "good", "status": "done", "value": 3, "seconds": 2.0},
    ]


def test_what_a_device_may_lack_is_told_and_is_no_fault() -> None:
    watch = Watch()
    good, found = rows_of(watch, Check("one", 50, [Case("cudnn", failing, optional=True)]))
    assert good and found == [("one", "cudnn", "not here")]


def test_a_row_that_differs_is_a_fault() -> None:
    watch = Watch()
    good, found = rows_of(watch, Check("one", 50, [watch.case("net", 1.0, status="differs")]))
    assert not good and found == [("one", "net", "differs")]


def test_a_check_that_is_slow_leaves_the_others_their_time() -> None:
    watch = Watch()
    slow = Check("slow", 10, [watch.case("a", 6), watch.case("b", 6), watch.case("c", 6)])
    good, found = rows_of(watch, slow, Check("next", 10, [watch.case("d", 1)]))
    assert not good
    assert found == [("slow", "a", "done"), ("slow", "b", "done"), ("slow", "c", "left out"), ("next", "d", "done")]


def test_a_check_gets_what_those_before_it_did_not_use_and_never_more_than_there_is() -> None:
    watch = Watch()
    quick, long = Check("quick", 10, [watch.case("a", 1)]), Check("long", 10, [watch.case(n, 6) for n in "bcde"])
    assert [row[2] for row in rows_of(watch, quick, long)[1]] == ["done"] * 5
    watch = Watch()
    long = Check("long", 10, [watch.case(n, 6) for n in "bcde"])
    assert [row[2] for row in rows_of(watch, quick, long, seconds=12)[1]][1:] == [
        "done",
        "done",
        "left out",
        "left out",
    ]


def test_reasons_are_one_short_line() -> None:
    assert first_line(ValueError("")) == "ValueError: no reason is given"
    assert len(first_line(ValueError("x" * 1000))) == 300
