"""Memory allocator of the C library, tuned for threads that read much now and then."""

import ctypes
from typing import Final

# mallopt(3), of glibc.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_BLOCK: Final = 256 * 1024
_TRIM: Final = 1024 * 1024


def tune_malloc() -> None:
    """Give large blocks back to the system once they are free.

    By itself glibc has an area of memory for each thread, and after the first large block that
    was freed it keeps those that are smaller in these areas: a worker that was sent long bodies
    for five minutes grew to 740 MB, of which it used 70. Not for who needs such blocks all the
    time: to have 19 MiB from the system for each password hash made hashing cost a half more.
    Where there is another C library nothing is done.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    # To set one of them ends that they grow by themselves.
    mallopt(_M_MMAP_THRESHOLD, _BLOCK)
    mallopt(_M_TRIM_THRESHOLD, _TRIM)
    mallopt(_M_ARENA_MAX, 2)
