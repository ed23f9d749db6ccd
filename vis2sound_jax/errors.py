"""Errors that teach: what a user meets instead of a traceback."""

import os
from pathlib import Path


class UserError(Exception):
    """A mistake that the user can correct.

    The message is one line that names the thing, the problem and the remedy; `main` prints it without a traceback and
    exits with code 2. Message and path survive pickling, so that a worker can send the error to its parent.

    Attributes:
      path: the file or folder that the error is about; None where it is about something else. Who asks which of
        several files was bad compares this and never the text.
    """

    def __init__(self, message: str, path: str | os.PathLike[str] | None = None):
        """Makes the error.

        Args:
          message: the line `thing: problem; remedy`.
          path: the file or folder that the error is about, as the user named it.
        """
        super().__init__(message)
        self.path = None if path is None else Path(path)


class Stopped(Exception):
    """A run that was asked to stop has saved what it had; the same command goes on from there.

    The message says where it stopped; `main` prints it and exits with code 0.
    """


def file_error(path: str | os.PathLike[str], problem: str, remedy: str) -> UserError:
    """Builds the error for a file: `path: problem; remedy`.

    Args:
      path: the file as the user named it; the error carries it.
      problem: what is wrong with it, without a final stop.
      remedy: what to do about it, without a final stop.

    Returns:
      An error to raise.
    """
    return UserError(f"{os.fspath(path)}: {problem}; {remedy}", path)
