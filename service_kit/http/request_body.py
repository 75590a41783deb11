"""Request bodies: read whole or not at all."""

from http import HTTPStatus

from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import get_content_length, get_input_stream

from service_kit.http.problems import Problem


def read(limit: int) -> bytes:
    """The body, at most `limit` bytes of it.

    MUST NOT return a part: the server hands over a body that was cut short of its
    Content-Length as if it were complete, and cuts a chunked one at the limit, so the
    length that arrived is compared with both.

    Raises Problem: 413 over the limit, 400 where it was cut short or broken off.
    """
    environ = request.environ
    announced = get_content_length(environ)
    if announced is not None and announced > limit:
        raise _too_large(limit)
    try:
        body = get_input_stream(environ, max_content_length=limit + 1).read()
    except (OSError, ParseException, HTTPException):
        raise Problem(HTTPStatus.BAD_REQUEST, "the body could not be read to its end") from None
    if len(body) > limit:
        raise _too_large(limit)
    if announced is not None and len(body) != announced:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            f"the body has {len(body)} bytes, Content-Length says {announced}",
        )
    return body


def _too_large(limit: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body may have {limit} bytes at most", limit=limit
    )
