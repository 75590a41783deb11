"""A body is read whole or not at all, whatever the server hands over."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask import Response
from werkzeug.test import run_wsgi_app

from service_kit.http import app as service_app
from service_kit.http import request_body

LIMIT = 100


@pytest.fixture
def app() -> APIFlask:
    app = service_app.create(__name__, title="Trial", version="1", problem_for={}, checks={})

    @app.post("/")
    def length() -> Response:
        return Response(str(len(request_body.read(LIMIT))))

    return app


class Broken(io.RawIOBase):
    """A stream that breaks off after its first bytes."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self._left = [b"x"]

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        del size
        return self._give()

    def readinto(self, buffer: Any) -> int:
        content = self._give()
        buffer[: len(content)] = content
        return len(content)

    def _give(self) -> bytes:
        if not self._left:
            raise self._error
        return self._left.pop()


class Endless(io.RawIOBase):
    """A stream that never ends, and knows how much of it was taken."""

    taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        buffer[:] = b"x" * len(buffer)
        self.taken += len(buffer)
        return len(buffer)


def environ(stream: io.IOBase, **extra: Any) -> dict[str, Any]:
    """The environment that a server hands over for a POST of the stream."""
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": stream,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **extra,
    }


def announced(stream: io.IOBase, length: int) -> dict[str, Any]:
    return environ(stream, CONTENT_LENGTH=str(length))


def chunked(stream: io.IOBase) -> dict[str, Any]:
    return environ(stream, **{"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True})


def answered(app: APIFlask, request: dict[str, Any]) -> tuple[int, str, bytes]:
    content, status, headers = run_wsgi_app(app, request)
    return int(status.split()[0]), headers["Content-Type"], b"".join(content)


def refused(app: APIFlask, request: dict[str, Any], status: int) -> None:
    assert answered(app, request)[:2] == (status, "application/problem+json")


@pytest.mark.parametrize("make", [lambda s: announced(s, LIMIT), chunked])
def test_a_body_as_long_as_the_limit_is_read_whole(
    app: APIFlask, make: Callable[[io.IOBase], dict[str, Any]]
) -> None:
    status, _, content = answered(app, make(io.BytesIO(b"x" * LIMIT)))
    assert (status, content) == (200, b"100")


@pytest.mark.parametrize("make", [lambda s: announced(s, 0), chunked, environ])
def test_no_body_is_an_empty_one(
    app: APIFlask, make: Callable[[io.IOBase], dict[str, Any]]
) -> None:
    status, _, content = answered(app, make(io.BytesIO(b"")))
    assert (status, content) == (200, b"0")


@pytest.mark.parametrize("arrived", [0, 1, 49])
@pytest.mark.parametrize("terminated", [True, False])
def test_a_body_that_is_shorter_than_announced_is_400(
    app: APIFlask, arrived: int, *, terminated: bool
) -> None:
    request = announced(io.BytesIO(b"x" * arrived), 50)
    # gunicorn says so of every stream, and then nobody but us compares the lengths.
    refused(app, {**request, "wsgi.input_terminated": terminated}, 400)


def test_no_more_than_announced_is_read(app: APIFlask) -> None:
    stream = io.BytesIO(b"x" * 60)
    status, _, content = answered(app, announced(stream, 50))
    assert (status, content) == (200, b"50")


def test_a_body_that_is_announced_too_long_is_413_and_not_read(app: APIFlask) -> None:
    stream = Endless()
    refused(app, announced(stream, LIMIT + 1), 413)
    assert stream.taken == 0


@pytest.mark.parametrize("length", [LIMIT + 1, LIMIT + 2, LIMIT * 1000])
def test_a_chunked_body_over_the_limit_is_413(app: APIFlask, length: int) -> None:
    refused(app, chunked(io.BytesIO(b"x" * length)), 413)


def test_a_chunked_body_without_end_is_413_once_it_is_over_the_limit(app: APIFlask) -> None:
    stream = Endless()
    refused(app, chunked(io.BufferedReader(stream, 1)), 413)
    assert stream.taken < 10 * LIMIT


@pytest.mark.parametrize("error", [OSError("gone"), ConnectionResetError(104, "reset")])
@pytest.mark.parametrize("make", [lambda s: announced(s, 50), chunked])
def test_a_body_that_breaks_off_is_400(
    app: APIFlask, make: Callable[[io.IOBase], dict[str, Any]], error: Exception
) -> None:
    refused(app, make(Broken(error)), 400)
