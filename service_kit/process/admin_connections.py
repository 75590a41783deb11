"""Connections of an admin server: bounded in number and age, so that no client holds it up.

A connection is for one request. One that has asked nothing whole after `DEADLINE_SECONDS`, or has
not read its answer, is closed, whatever it sends or reads meanwhile. Past `MOST_CONNECTIONS` the
oldest of those that wait for no answer is closed for each new one.

`/livez` is answered by the thread that reads, the newest request first, one between two looks at
the sockets: behind a thousand that came at once a probe would be late. `/readyz`, and whatever
else is asked for, have a thread each: a database that hangs keeps no `/livez` waiting.
"""

import socket
import time
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask

MOST_CONNECTIONS = 512
DEADLINE_SECONDS = 5.0
ACCEPTED_AT_ONCE = 64
"""So few that none is closed for newer ones before its request, sent at once, was read."""
LIVE, READY = "/livez", "/readyz"


class _LastAnswer(WSGITask):
    """An answer after which the connection is closed."""

    def build_response_header(self) -> bytes:
        self.request.headers["CONNECTION"] = "close"  # type: ignore[attr-defined] # typed an error
        return super().build_response_header()


class _Connection(HTTPChannel):
    task_class = _LastAnswer


class _Lane(ThreadedTaskDispatcher):
    """A thread for the requests of a lane."""

    def __init__(self) -> None:
        super().__init__()
        # It would write a line for each request that waits: as many as a stranger likes.
        self.queue_logger.disabled = True
        self.set_thread_count(1)


class BoundedServer(TcpWSGIServer):
    """The server. Connections are owned by the thread in `run`: it alone may close them."""

    channel_class = _Connection
    # Those that are open by their descriptors, the oldest first.
    active_channels: dict[int, HTTPChannel]  # type: ignore[assignment] # typed as one of them

    def __init__(
        self, app: Flask, listener: socket.socket, sockets: dict[Any, Any], deadline: float
    ) -> None:
        """`sockets`: where it keeps every socket of its own; `deadline`: of a connection."""
        self._sockets = sockets
        self._deadline = deadline
        self._readiness, self._others = _Lane(), _Lane()
        # Requests for life that wait, the newest last. Owned by the thread in `run`.
        self._live: list[HTTPChannel] = []
        options: dict[str, Any] = {
            "sockets": [listener],
            "ident": None,
            "asyncore_use_poll": True,
            "cleanup_interval": 1,
            # Never reached: the bound is kept here.
            "connection_limit": 2 * MOST_CONNECTIONS,
            "max_request_header_size": 16 * 1024,
            "max_request_body_size": 1024,
        }
        address = (listener.family, listener.type, listener.proto, listener.getsockname())
        super().__init__(
            app,
            sockets,
            _sock=listener,
            dispatcher=self._others,
            adj=Adjustments(**options),
            sockinfo=address,
            bind_socket=False,
        )

    def handle_accept(self) -> None:
        """Accept the connections that wait, and close the oldest for those above the bound."""
        for _ in range(ACCEPTED_AT_ONCE):
            before = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) == before:
                return
            if before >= MOST_CONNECTIONS:
                self._oldest().handle_close()

    def maintenance(self, now: float) -> None:
        """Close the connections that are past their deadline; called once a second."""
        for connection in self.active_channels.values():
            # By the wall clock, like `now`: one that jumps closes a few too early or late.
            if not connection.requests and connection.creation_time < now - self._deadline:
                connection.will_close = True

    def run(self) -> None:
        """Serve until every socket is closed."""
        while self._sockets:
            timeout = 0.0 if self._live else self.adj.asyncore_loop_timeout
            wasyncore.loop(timeout, self.adj.asyncore_use_poll, self._sockets, count=1)
            if self._live and self._sockets:
                self._live.pop().service()

    def add_task(self, task: Any) -> None:
        """Put the request that a connection has received where it belongs."""
        # A request that could not be parsed has no path.
        path = getattr(task.requests[0], "path", "")
        if path == LIVE:
            self._live.append(task)
        else:
            (self._readiness if path == READY else self._others).add_task(task)

    def end_lanes(self, timeout: float) -> None:
        """Return once the requests under way are answered, or after `timeout` seconds."""
        until = time.monotonic() + timeout
        for lane in (self._readiness, self._others):
            lane.shutdown(timeout=until - time.monotonic())  # type: ignore[arg-type] # or a float

    def _oldest(self) -> HTTPChannel:
        connections = self.active_channels.values()
        return next((one for one in connections if not one.requests), next(iter(connections)))
