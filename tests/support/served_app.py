"""A WSGI application served on a socket by a thread of this process."""

import threading
from collections.abc import Iterator
from typing import Any

from werkzeug.serving import make_server


def serve(app: Any) -> Iterator[str]:
    """Its URL, once; it is stopped when the iterator goes on."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
