"""Log of requests: a line for each, and an id that all of its lines have."""

import random
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog
from flask import Flask, Response, request

from service_kit import logs
from service_kit.http import client_address
from service_kit.http.client_address import Networks

# A request id that can be echoed into a header and a log line.
_FIT = re.compile(r"[A-Za-z0-9._~:/+=-]{1,128}")

# Names of the request's own values in its environment.
PRINCIPAL: Final = "service_kit.principal_name"
"""The name of who sends a request, once that is known."""
_STARTED, _REQUEST_ID = "service_kit.started", "service_kit.request_id"

log = structlog.get_logger()

OnAnswered = Callable[[str, str, int, float], None]
"""Called for each answered request with method, route, status, seconds."""


def register(app: Flask, on_answered: OnAnswered, trusted: Networks = ()) -> None:
    """Log every request of `app` with method, route, status, milliseconds and request id.

    `X-Request-ID` is taken from the request where it is fit to be echoed, else made, and
    returned. It is the route that is logged (`/v1/user/<id>`), never the path. `trusted`: proxies
    that say who their client is.
    """
    app.before_request(_begin)
    # One function for both: to call another costs as much as what it does.
    app.after_request(partial(_answered, on_answered, trusted))
    app.teardown_request(_end)


def _end(_: BaseException | None) -> None:
    """Part what is logged next from the request: it is the server's, of none."""
    logs.request_id.set(None)


def started() -> float:
    """Arrival of this request, by the monotonic clock, in seconds."""
    began: float = request.environ[_STARTED]
    return began


def _begin() -> None:
    environ = request.environ
    environ[_STARTED] = time.monotonic()
    request_id = environ.get("HTTP_X_REQUEST_ID")
    if request_id is None or not _FIT.fullmatch(request_id):
        # It need not be unguessable, for which the kernel would be asked.
        request_id = f"{random.getrandbits(128):032x}"
    environ[_REQUEST_ID] = request_id
    logs.request_id.set(request_id)


def _answered(on_answered: OnAnswered, trusted: Networks, response: Response) -> Response:
    environ = request.environ
    response.headers["X-Request-ID"] = environ[_REQUEST_ID]
    rule = request.url_rule
    route = rule.rule if rule else "-"
    method, status = environ["REQUEST_METHOD"], response.status_code
    seconds = time.monotonic() - environ[_STARTED]
    on_answered(method, route, status, seconds)
    milliseconds = round(seconds * 1000, 1)
    who = {"client": client_address.of(environ, trusted), "principal": environ.get(PRINCIPAL)}
    message = f"{method} {route} {status} in {milliseconds} ms"
    log.info(message, method=method, route=route, status=status, milliseconds=milliseconds, **who)
    return response
