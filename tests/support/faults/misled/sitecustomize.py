"""Read by a Python that goes by a wall clock of ours, before anything else.

libfaketime takes a sleep until a moment of the monotonic clock, such as Python's, for one of the
wall clock's, and refuses it. A wait for nothing it leaves alone.

It holds a mutex while it reads the clock, too, and Python's threads read the clock as they wait for
each other. A process forked in that moment would have the mutex locked for ever, so a fork lets
the other threads go first and come to rest.
"""

import os
import select
import time
from typing import SupportsIndex

REST_SECONDS = 0.05


def _sleep(seconds: float | SupportsIndex) -> None:
    select.select((), (), (), float(seconds))


time.sleep = _sleep
os.register_at_fork(before=lambda: _sleep(REST_SECONDS))
