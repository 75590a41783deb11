"""Shutdown of a process that serves no HTTP: after the work in hand, and in a bounded time."""

import os
import signal
import threading
import time
from typing import Final

import structlog

from service_kit import logs

log = structlog.get_logger()

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
GRACE_SECONDS: Final = 9.0


def stop_event(grace_seconds: float = GRACE_SECONDS) -> threading.Event:
    """An event that SIGTERM or Ctrl-C sets.

    MUST be called in the main thread, before there is any other: one that is there already
    would take the signals, and the process end at once.

    A thread waits for the signals. A handler would have to wait for the main thread to come
    back from a library's call, which without its peer it may not; and to set an event takes a
    lock that the interrupted thread may hold. A process that has not ended `grace_seconds`
    later is ended, whatever it still does.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    stop = threading.Event()
    threading.Thread(target=_wait, args=(stop, grace_seconds), name="signals", daemon=True).start()
    return stop


def _wait(stop: threading.Event, grace_seconds: float) -> None:
    signal.sigwait(SIGNALS)
    stop.set()
    time.sleep(grace_seconds)
    log.warning("stopping took too long; what is unfinished will be done again")
    logs.close()
    os._exit(1)
