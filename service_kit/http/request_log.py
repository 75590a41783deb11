"""One line a request, and an id by which to find all lines of it."""

import random
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import structlog
from flask import Flask, Response, request

from service_kit import logs

# What a request id may be, so that it can be echoed into a header and a log line.
_FIT = re.compile(r"[A-Za-z0-9._~:/+=-]{1,128}")

# Where the request's own are kept in its environment.
_STARTED, _REQUEST_ID = "service_kit.started", "service_kit.request_id"
_BUFFERED = "service_kit.buffered_lines"

log = structlog.get_logger()

Ended = Callable[[str, str, int, float], None]
"""Told of a request that was answered: method, route, status, seconds."""


def register(app: Flask, ended: Ended) -> None:
    """Log every request of `app` with method, route, status, milliseconds and request id.

    `X-Request-ID` is taken from the request where it is fit to be echoed, else made, and
    returned. It is the route that is logged (`/v1/user/<id>`), never the path.
    """
    app.before_request(_begin)
    # One function for the line and whoever else is told: each costs as much as what it does.
    app.after_request(partial(_end, ended))
    app.teardown_request(_forget)


def _forget(_: BaseException | None) -> None:
    """What this thread logs next, such as a head that the server refuses, is of no request."""
    buffered: ExitStack | None = request.environ.pop(_BUFFERED, None)
    if buffered is not None:
        buffered.close()
    structlog.contextvars.clear_contextvars()


def buffer_lines() -> None:
    """Keep the lines of this request from now on until it ends, to write them at once."""
    buffered = request.environ[_BUFFERED] = ExitStack()
    buffered.enter_context(logs.buffer_lines())


def started() -> float:
    """When this request came in, by the monotonic clock, in seconds."""
    began: float = request.environ[_STARTED]
    return began


def _begin() -> None:
    environ = request.environ
    environ[_STARTED] = time.monotonic()
    request_id = environ.get("HTTP_X_REQUEST_ID", "")
    if not _FIT.fullmatch(request_id):
        # Unique is enough. What cannot be guessed would be asked of the kernel.
        request_id = f"{random.getrandbits(128):032x}"
    environ[_REQUEST_ID] = request_id
    structlog.contextvars.bind_contextvars(request_id=request_id)


def _end(ended: Ended, response: Response) -> Response:
    environ = request.environ
    response.headers["X-Request-ID"] = environ[_REQUEST_ID]
    rule = request.url_rule
    route = rule.rule if rule else "-"
    method, status = environ["REQUEST_METHOD"], response.status_code
    seconds = time.monotonic() - environ[_STARTED]
    ended(method, route, status, seconds)
    milliseconds = round(seconds * 1000, 1)
    message = f"{method} {route} {status} in {milliseconds} ms"
    log.info(message, method=method, route=route, status=status, milliseconds=milliseconds)
    return response
