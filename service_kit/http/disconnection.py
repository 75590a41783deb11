"""Disconnection: whether the client of a request is gone, while its answer is made."""

from collections.abc import Callable, Mapping
from typing import Any

SOCKET = "gunicorn.socket"


def client_is_gone(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """What says whether the client has closed; where the server does not know it, it has not."""
    is_gone: Callable[[], bool] | None = getattr(environ.get(SOCKET), "is_gone", None)
    return is_gone or (lambda: False)
