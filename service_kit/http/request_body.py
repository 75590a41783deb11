"""Request bodies: read whole or not at all."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import IO, Final

from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import get_content_length, get_input_stream

from service_kit.http.problems import Problem

PART_BYTES: Final = 64 * 1024


def read(limit: int, before_reading: Callable[[int], None] = lambda _: None) -> bytes:
    """The body, at most `limit` bytes of it.

    `before_reading` is called with how many bytes it will have been, before they are read: once
    where the length is announced, else as it grows. It may raise.

    MUST NOT return a part: the server hands over a body that was cut short of its
    Content-Length as if it were complete, and cuts a chunked one at the limit, so the
    length that arrived is compared with both.

    Raises Problem: 413 over the limit, 400 where it was cut short or broken off.
    """
    environ = request.environ
    announced = get_content_length(environ)
    if announced is not None and announced > limit:
        raise _too_large(limit)
    before_reading(announced or 0)
    stream = get_input_stream(environ, max_content_length=limit + 1)
    try:
        body = b"".join(_parts(stream, limit, before_reading if announced is None else None))
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


def _parts(
    stream: IO[bytes], limit: int, before_reading: Callable[[int], None] | None
) -> Iterator[bytes]:
    """The body in parts, until its end or until it is over the limit."""
    length = 0
    while length <= limit:
        if before_reading is not None:
            before_reading(min(length + PART_BYTES, limit))
        part = stream.read(PART_BYTES)
        if not part:
            return
        length += len(part)
        yield part


def _too_large(limit: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body may have {limit} bytes at most", limit=limit
    )
