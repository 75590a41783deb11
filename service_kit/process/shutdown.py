"""What a process needs whose work is something else than to serve HTTP: a way to stop.

After what is in hand, and within a bounded time in any case.
"""

import os
import signal
import threading
import time
from typing import Final

import structlog

log = structlog.get_logger()

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
SECONDS = 9.0


def stop_event() -> threading.Event:
    """Set once SIGTERM or Ctrl-C asks for it.

    MUST be called in the main thread, before there is any other: one that is there already
    would take the signals, and the process end at once.

    A thread waits for the signals. A handler would have to wait for the main thread to come
    back from a library's call, which without its peer it may not; and to set an event takes a
    lock that the interrupted thread may hold. A process that has not ended 9 s later, whatever
    it still does, is ended.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    stop = threading.Event()
    threading.Thread(target=_wait, args=(stop,), name="signals", daemon=True).start()
    return stop


def _wait(stop: threading.Event) -> None:
    signal.sigwait(SIGNALS)
    stop.set()
    time.sleep(SECONDS)
    log.warning("stopping took too long; what is unfinished will be done again")
    os._exit(1)
