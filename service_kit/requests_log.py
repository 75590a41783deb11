"""One line a request, and an id by which to find all lines of it."""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

# What a request id may be, so that it can be echoed into a header and a log line.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._~:/+=-]{1,128}")

log = structlog.get_logger()


def register(app: Flask) -> None:
    """Log every request of `app` with method, route, status, milliseconds and request id.

    `X-Request-ID` is taken from the request where it is fit to be echoed, else made, and
    returned. It is the route that is logged (`/v1/user/<id>`), never the path.
    """
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)


def _forget(_: BaseException | None) -> None:
    """What this thread logs next, such as a head that the server refuses, is of no request."""
    structlog.contextvars.clear_contextvars()


def started() -> float:
    """When this request came in, by the monotonic clock, in seconds."""
    began: float = g.started
    return began


def _begin() -> None:
    g.started = time.monotonic()
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    route = request.url_rule.rule if request.url_rule else "-"
    milliseconds = round((time.monotonic() - g.started) * 1000, 1)
    message = f"{request.method} {route} {response.status_code} in {milliseconds} ms"
    log.info(
        message,
        method=request.method,
        route=route,
        status=response.status_code,
        milliseconds=milliseconds,
    )
    return response
