"""Host header: well-formed, and of a name under which the service may be called."""

import re
from functools import partial
from http import HTTPStatus

from flask import Flask, request

from service_kit.http.problems import Problem
from service_kit.settings.hosts import AllowedHosts

# RFC 3986, 3.2.2; without the comma, by which WSGI joins several headers.
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~!$&'()*+;=%-]+)(?::[0-9]{0,5})?")


def register(app: Flask, allowed: AllowedHosts) -> None:
    """Refuse a malformed Host (400; RFC 9112, 3.2), and one that is not `allowed` (421)."""
    app.before_request(partial(_check, allowed))


def _check(allowed: AllowedHosts) -> None:
    given = request.environ.get("HTTP_HOST")
    if given is None and request.environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        # It need not be there, and no browser leaves it out.
        return
    match = _HOST.fullmatch(given or "")
    if match is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "there must be one Host header, and it a host")
    if allowed is not None and match[1].lower() not in allowed:
        raise Problem(HTTPStatus.MISDIRECTED_REQUEST, "it is not under this host that it is served")
