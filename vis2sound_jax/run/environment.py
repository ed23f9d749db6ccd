"""What must be settled in the process's environment before jax is imported; what a user has set stays."""

import os
import sys
from pathlib import Path

_PAGES = "GLIBC_TUNABLES"


def take_large_pages() -> None:
    """Starts this process anew, once, so that Linux gives it memory in pages of 2 MB.

    XLA's CPU backend asks for the buffers of every step anew; in pages of 4 KB a quarter of a training step went into
    laying them out. glibc (from 2.35) reads the setting only when a process begins. Where it does not know it, or the
    system has no large pages, nothing changes; `GLIBC_TUNABLES=` in the environment leaves everything alone.
    """
    if sys.platform == "linux" and _PAGES not in os.environ:
        os.environ[_PAGES] = "glibc.malloc.hugetlb=1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def settle() -> None:
    """Says where jax keeps compiled programs, and that its C++ part is to be quiet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vis2sound_jax" / "xla"
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
