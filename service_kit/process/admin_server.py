"""Admin server: health and metrics of a process that serves no other HTTP, on a port of its own.

The application is one that `app.create` makes. Threads serve it beside the main work, which
they neither delay nor keep from ending.
"""

import socket
import threading
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from service_kit.process.ports import PortTaken
from service_kit.settings.bind_address import host_and_port

THREADS = 2
CLOSE_SECONDS = 5.0


class AdminServer:
    """An application served on a port. `url`: of the port, without a slash at its end.

    Connections are owned by the thread that serves: it alone may close them.
    """

    def __init__(self, app: Flask, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._open: dict[Any, Any] = {}
        options: dict[str, Any] = {"sockets": [listener], "threads": THREADS, "ident": None}
        self._server: Any = create_server(app, map=self._open, **options)
        self._thread = threading.Thread(target=self._server.run, name="admin server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close port and connections once the requests under way are answered, or after 5 s."""
        self._server.task_dispatcher.shutdown(timeout=CLOSE_SECONDS)
        # Without any socket left the thread ends.
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._open))
        self._thread.join()


def start(app: Flask, bind: str = "127.0.0.1:0") -> AdminServer:
    """A server of `app` on `bind`, which serves from now on; port 0 is any that is free.

    Raises PortTaken where the address cannot be had.
    """
    host, port = host_and_port(bind)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise PortTaken(f"cannot listen on {bind}: {error.strerror}") from None
    return AdminServer(app, listener)
