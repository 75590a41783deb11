"""Waiting for what must come to pass, and no longer."""

import threading
import time
from collections.abc import Callable

STEP_SECONDS = 0.02


def wait_until(
    condition: Callable[[], object],
    seconds: float = 30.0,
    what: str = "it",
    step: float = STEP_SECONDS,
) -> float:
    """Return once the condition holds, with how many seconds that took.

    `step`: seconds between two looks, longer where they cost what is looked at.
    """
    began = time.monotonic()
    waiting = threading.Event()
    while not condition():
        waited = time.monotonic() - began
        assert waited < seconds, f"{what} did not come to pass within {seconds} s"
        waiting.wait(step)
    return time.monotonic() - began
