"""Errors that teach: what a user meets instead of a traceback."""

import os


class UserError(Exception):
    """A mistake that the user can mend.

    The message is one line that names the thing, the problem and the remedy;
    `main` prints it without a traceback and exits with code 2.
    """


class Stopped(Exception):
    """A run that was asked to stop has saved what it had; the same command goes on from there.

    The message says where it stopped; `main` prints it and exits with code 0.
    """


def file_error(path: str | os.PathLike[str], problem: str, remedy: str) -> UserError:
    """Builds the error for a file: `path: problem; remedy`.

    Args:
      path: the file as the user named it.
      problem: what is wrong with it, without a final stop.
      remedy: what to do about it, without a final stop.

    Returns:
      An error to raise.
    """
    return UserError(f"{os.fspath(path)}: {problem}; {remedy}")
