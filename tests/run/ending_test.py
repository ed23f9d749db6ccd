"""Every end of the program has its exit code and its line; a fault of its own keeps the traceback."""

import pytest

from vis2sound_jax.errors import Stopped, UserError
from vis2sound_jax.run import ending


def test_only_the_users_own_errors_are_explained() -> None:
    assert ending.explain(UserError("two\nlines")) == "two lines"
    assert ending.explain(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")) is not None
    assert ending.explain(OSError(13, "Permission denied", "/films/a.mp4")) == (
        "/films/a.mp4: Permission denied; change its permissions or choose another place"
    )
    assert ending.explain(RuntimeError("Could not determine home directory.")) == (
        "there is no home folder, which a ~ stands for; set HOME, or name the whole path"
    )
    assert "ulimit -f" in str(ending.explain(OSError(27, "File too large")))
    for bug in (KeyError("x"), RuntimeError("x"), FileNotFoundError(2, "x")):
        assert ending.explain(bug) is None


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Stopped("encoder: stopped after step 3 of 9, which is saved"), 0, "which is saved; resume by running again"),
        (UserError("a.wav: it is empty; give another"), 2, "vis2sound: error: a.wav: it is empty; give another"),
        (KeyboardInterrupt(), 130, "interrupted; run the same command again to continue"),
    ],
)
def test_every_end_has_its_code_and_line(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        ending.guarded(fail)
    out, err = capsys.readouterr()
    assert ended.value.code == code and said in out + err


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        ending.guarded(lambda: print(1 / 0))
