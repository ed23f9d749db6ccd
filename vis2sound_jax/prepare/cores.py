"""How many processor cores there are to share work among."""

import os


def usable_cores() -> int:
    """Counts the cores that this process may run on, which a container or a job scheduler limits."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
