"""Turns of greenlets: one that has much to do lets others go first."""

import time
from typing import Final

import gevent

TURN_SECONDS: Final = 0.01
_LAST: Final = -2
"""The lowest priority of libev."""


def let_others_go_first() -> None:
    """Return once all others have had a turn that have something to read, or whose time has come.

    `sleep(0)` would return after those that are ready already: the loop looks at sockets and
    timers once it has called fifty greenlets, or none is left to call.
    """
    hub = gevent.get_hub()
    # It has the loop look at once, and return to us when it has called all that it found.
    watcher = hub.loop.async_(priority=_LAST)
    try:
        hub.loop.run_callback(watcher.send)
        hub.wait(watcher)
    finally:
        watcher.close()


def give_turn() -> None:
    """The same, if it is some time since others could.

    A socket that is ready makes nobody wait, so that a client who always is would be the only one.
    """
    if time.time() - gevent.get_hub().loop.now() > TURN_SECONDS:
        let_others_go_first()
