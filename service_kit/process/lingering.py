"""Lingering close: connections on which no more is answered, until their clients have read.

Closed at once, a socket with bytes that nobody read resets the connection, and takes with it the
answer that the client has not read yet: who is refused before the body was read would never
know why (RFC 9112, section 9.6).
"""

import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 16 * 1024 * 1024
_PART: Final = 256 * 1024


@dataclass
class _Lingering:
    deadline: float
    on_closed: Callable[[], None]
    left: int = LINGER_BYTES


class LingeringConnections:
    """Sockets whose writing end is closed, and what still comes on them is thrown away.

    Owned by the thread that runs the selector; it holds up neither that nor another.
    """

    def __init__(self, selector: Any, clock: Callable[[], float] = time.monotonic) -> None:
        """`selector`: one whose keys have a function as their data, called with the socket."""
        self._selector = selector
        self._clock = clock
        self._open: dict[socket.socket, _Lingering] = {}

    def add(self, connection: socket.socket, on_closed: Callable[[], None]) -> None:
        """Close it once its client does, or has sent LINGER_BYTES, or after LINGER_SECONDS.

        `on_closed` is called then.
        """
        state = _Lingering(self._clock() + LINGER_SECONDS, on_closed)
        try:
            connection.shutdown(socket.SHUT_WR)
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ, self._discard)
        except (OSError, ValueError):  # The client is gone.
            connection.close()
            on_closed()
            return
        self._open[connection] = state

    def close_expired(self) -> None:
        """Close those whose time is over."""
        now = self._clock()
        # In the order in which they came.
        while self._open:
            connection, state = next(iter(self._open.items()))
            if state.deadline > now:
                return
            self._close(connection)

    def _discard(self, connection: socket.socket) -> None:
        state = self._open[connection]
        try:
            part = connection.recv(_PART)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        state.left -= len(part)
        if not part or state.left <= 0:
            self._close(connection)

    def _close(self, connection: socket.socket) -> None:
        state = self._open.pop(connection)
        with suppress(OSError, KeyError, ValueError):
            self._selector.unregister(connection)
        connection.close()
        state.on_closed()
