"""Read by a Python that goes by a wall clock of ours, before anything else.

libfaketime takes a sleep until a moment of the monotonic clock, such as Python's, for one of the
wall clock's, and refuses it. A wait for nothing it leaves alone.
"""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: float | SupportsIndex) -> None:
    select.select((), (), (), float(seconds))


time.sleep = _sleep
