"""Laws of the user's errors: one line, a path to compare, and both travel between processes."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from vis2sound_jax.errors import UserError, file_error


def test_a_file_error_is_one_line_and_carries_its_path() -> None:
    error = file_error(Path("films") / "a.mp4", "is empty", "copy it again")
    assert str(error) == "films/a.mp4: is empty; copy it again"
    assert error.path == Path("films/a.mp4")


def test_a_path_given_as_text_is_compared_like_any_other() -> None:
    assert file_error("films/a.mp4", "is empty", "copy it again").path == Path("films") / "a.mp4"


def test_an_error_about_no_file_has_no_path() -> None:
    error = UserError("config.seed is -1; set 0 or more")
    assert error.path is None and error.args == ("config.seed is -1; set 0 or more",)


@pytest.mark.parametrize("path", [None, "a.mp4", Path("films/b.wav")])
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_message_and_path_survive_copies(path, again) -> None:
    error = UserError("thing: problem; remedy", path)
    twin = again(error)
    assert type(twin) is UserError and (str(twin), twin.path) == (str(error), error.path)


def test_a_wrapped_error_keeps_the_path_of_the_outer_file() -> None:
    inner = file_error("inner.bin", "is short", "copy it again")
    outer = file_error("outer.zip", f"is refused: {inner}", "get it again")
    assert outer.path == Path("outer.zip") and "inner.bin" in str(outer)


def _fail(name: str) -> None:
    raise file_error(name, "is broken", "copy it again")


def test_a_worker_sends_the_path_to_its_parent() -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        with pytest.raises(UserError, match="far.mp4: is broken; copy it again") as caught:
            pool.submit(_fail, "far.mp4").result()
    assert caught.value.path == Path("far.mp4")
