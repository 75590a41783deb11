"""What a process needs whose work is something else than to serve HTTP."""

import signal
import threading


def stopping() -> threading.Event:
    """Set once the process is asked to stop, by SIGTERM or Ctrl-C. Call it in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
