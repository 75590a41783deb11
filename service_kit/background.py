"""What a process needs whose work is something else than to serve HTTP."""

import signal
import threading
from queue import SimpleQueue


def stopping() -> threading.Event:
    """Set once the process is asked to stop, by SIGTERM or Ctrl-C. Call it in the main thread."""
    stop = threading.Event()
    asked: SimpleQueue[None] = SimpleQueue()

    def wait() -> None:
        asked.get()
        stop.set()

    threading.Thread(target=wait, name="stopping", daemon=True).start()
    # Setting an event takes a lock that the interrupted thread may hold; this queue takes none.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.put(None))
    return stop
