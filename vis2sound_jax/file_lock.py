"""A lock that a process holds on an open file. It is the kernel's, and goes with its process, however that ends."""

import errno
from typing import IO, Any

from vis2sound_jax.errors import UserError

NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What mounted buckets and some network file systems answer, by an OSError."""


def take(file: IO[Any]) -> bool:
    """Locks a file for this process, without waiting; the lock ends when the file is closed.

    Args:
      file: open for writing.

    Returns:
      Whether this process has it now; otherwise another one has.

    Raises:
      UserError: on Windows, which has no such locks.
    """
    try:
        # Here and not above, so that Windows gets the line below and no traceback.
        import fcntl
    except ModuleNotFoundError:
        raise UserError(
            "this system cannot lock files, which runs need; on Windows use its Subsystem for Linux (wsl --install)"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
