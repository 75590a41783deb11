"""Admin server: health and metrics of a process that serves no other HTTP, on a port of its own.

The application is one that `app.create` makes. Threads serve it beside the main work, which
they neither delay nor keep from ending. What clients can do to it: see `admin_connections`.
"""

import socket
import threading
from typing import Any

from flask import Flask
from waitress import wasyncore

from service_kit.process.admin_connections import DEADLINE_SECONDS, BoundedServer
from service_kit.process.ports import PortTaken
from service_kit.settings.bind_address import host_and_port

CLOSE_SECONDS = 5.0


class AdminServer:
    """An application served on a port. `url`: of the port, without a slash at its end."""

    def __init__(self, app: Flask, listener: socket.socket, deadline: float) -> None:
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._open: dict[Any, Any] = {}
        self._server: Any = BoundedServer(app, listener, self._open, deadline)
        self._thread = threading.Thread(target=self._server.run, name="admin server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close port and connections once the requests under way are answered, or after 5 s."""
        self._server.end_lanes(CLOSE_SECONDS)
        # Without any socket left the thread ends.
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._open))
        self._thread.join()


def start(
    app: Flask, bind: str = "127.0.0.1:0", *, deadline: float = DEADLINE_SECONDS
) -> AdminServer:
    """A server of `app` on `bind`, which serves from now on; port 0 is any that is free.

    `deadline`: seconds of a connection, but for the time in which its answer is made.

    Raises PortTaken where the address cannot be had.
    """
    host, port = host_and_port(bind)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise PortTaken(f"cannot listen on {bind}: {error.strerror}") from None
    return AdminServer(app, listener, deadline)
