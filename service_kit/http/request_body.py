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

    `before_reading` is called with how many bytes it will have been, before they are read, as it
    grows: what is announced need not come. It may raise.

    MUST NOT return a part: the server hands over a body that was cut short of its
    Content-Length as if it were complete, and cuts a chunked one at the limit, so the
    length that arrived is compared with both.

    Raises Problem: 413 over the limit, 400 where it was cut short or broken off, 408 where it came
    too slowly.
    """
    environ = request.environ
    announced = get_content_length(environ)
    if announced is not None and announced > limit:
        raise _too_large(limit)
    try:
        if announced is None:
            stream = get_input_stream(environ, max_content_length=limit + 1)
            body = b"".join(_parts(stream, limit + 1, before_reading))
        else:
            body = b"".join(_parts(environ["wsgi.input"], announced, before_reading))
    except (OSError, ParseException, HTTPException) as error:
        # Werkzeug puts an error of its own in the place of the server's.
        if isinstance(error.__context__ or error, TimeoutError):
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, "the body came too slowly") from None
        raise Problem(HTTPStatus.BAD_REQUEST, "the body could not be read to its end") from None
    if len(body) > limit:
        raise _too_large(limit)
    if announced is not None and len(body) != announced:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            f"the body has {len(body)} bytes, Content-Length says {announced}",
        )
    return body


def _parts(stream: IO[bytes], most: int, before_reading: Callable[[int], None]) -> Iterator[bytes]:
    """The body in parts, until its end, at most so many bytes of it."""
    length = 0
    while length < most:
        size = min(PART_BYTES, most - length)
        before_reading(length + size)
        part = stream.read(size)
        if not part:
            return
        length += len(part)
        yield part


def _too_large(limit: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body may have {limit} bytes at most", limit=limit
    )
