"""Connection of a client: its requests are read and answered one after the other."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson
from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.unreader import Unreader

from service_kit.http.problems import MEDIA_TYPE
from service_kit.http.request_head import StrictRequest
from service_kit.process.client_socket import (
    READ_AHEAD_BYTES,
    READ_BYTES,
    ClientSocket,
    Holder,
    TooLate,
    Waiting,
)
from service_kit.process.turns import give_turn

DRAIN_BYTES: Final = 64 * 1024
HEAD_STEP_BYTES: Final = 256 * 1024

_PROBLEM: Final = orjson.dumps(
    {
        "type": "about:blank",
        "title": "Request Timeout",
        "status": 408,
        "detail": "the request came too slowly, or others needed its room",
    }
)
_TOO_LATE: Final = (
    f"HTTP/1.1 408 Request Timeout\r\nContent-Type: {MEDIA_TYPE}\r\nConnection: close\r\n"
    f"Content-Length: {len(_PROBLEM)}\r\n\r\n"
).encode() + _PROBLEM


class Keeper(Holder, Protocol):
    """Whoever keeps connections, and has them end."""

    is_stopping: bool
    """Whether the answers are the last ones."""


@dataclass(frozen=True, slots=True)
class Site:
    """What answers requests: a WSGI application, at the address of a listener, under `cfg`.

    `on_error` is called with a request, if it was read, its socket, its client and the error.
    """

    app: Callable[..., Iterable[bytes]]
    cfg: Any
    address: Any
    on_error: Callable[[Any, Any, Any, BaseException], None]


class ClientConnection:
    """A connection, owned by its greenlet."""

    def __init__(self, client: ClientSocket, address: Any, site: Site, keeper: Keeper) -> None:
        """`address`: of the client."""
        self._client = client
        self._address = address
        self._site = site
        self._keeper = keeper
        self._incoming = _Incoming(client)

    @property
    def is_last(self) -> bool:
        """Whether no request is read after this one."""
        return self._client.is_ended or self._keeper.is_stopping

    def serve(self) -> None:
        """Answer requests until either side closes."""
        try:
            while self._serve_next():
                self._keeper.release(self._client)
                give_turn()
        except OSError:
            pass  # The client is gone, or was ended.
        finally:
            self._keeper.release(self._client)
            self._client.connected.close()

    def _serve_next(self) -> bool:
        """Read a request and answer it; whether another may follow."""
        client, site = self._client, self._site
        self._begin_head()
        request: Any = None
        try:
            request = StrictRequest(site.cfg, self._incoming, self._address)
            client.begin(Waiting.BODY)
            if self._answer(request):
                return True
        except (StopIteration, NoMoreData):
            return False  # The client has closed.
        except TooLate:
            if client.part is Waiting.REQUEST:
                return False
            client.sendall(_TOO_LATE)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, other requests are answered
            site.on_error(request, client.connected, self._address, error)
        client.linger()
        return False

    def _begin_head(self) -> None:
        """Begin with what came of it already."""
        came = self._incoming.buf.getbuffer().nbytes
        self._client.begin(Waiting.HEAD if came else Waiting.REQUEST)
        if came:
            self._keeper.hold(self._client, came)

    def _answer(self, request: Any) -> bool:
        """Whether another request may follow."""
        client, site = self._client, self._site
        response, environ = wsgi.create(
            request, client, self._address, site.address, site.cfg, _Response, (self,)
        )
        parts = site.app(environ, response.start_response)
        try:
            client.is_streamed = response.response_length is None
            self._keeper.hold(client, response.response_length or 0)
            # Its end is that of the connection, which MUST come only once it is whole.
            ends_by_close = client.is_streamed and not response.is_chunked()
            if ends_by_close:
                client.reset_at_close()
            self._write(response, parts)
            response.close()
            if ends_by_close:
                client.reset_at_close(on=False)
        except Exception:
            if response.headers_sent:
                # A part of an answer MUST NOT look like all of it.
                client.break_off()
            raise
        finally:
            if hasattr(parts, "close"):
                parts.close()
        return not response.should_close() and self._drain(request.body)

    def _write(self, response: Any, parts: Iterable[bytes]) -> None:
        client, part = self._client, b""
        for part in parts:
            size = len(part) if client.is_streamed else 0
            self._keeper.hold(client, size)
            response.write(part)
            self._keeper.give_back(client, size)
            # While the next is waited for it need not be in memory.
            del part

    def _drain(self, body: Any) -> bool:
        """Whether the next request begins after what is left of this one, and that is little."""
        try:
            for _ in range(DRAIN_BYTES // READ_BYTES):
                if not body.read(READ_BYTES):
                    return not body.failed
        except (OSError, ParseException):
            pass
        return False


class _Incoming(Unreader):
    """What a client sends, for gunicorn's parser."""

    def __init__(self, client: ClientSocket) -> None:
        super().__init__()
        self._client = client

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes: of long bodies many, since each call costs, but no more than are asked
        for, since the parser copies the rest at each; of long heads many, since it searches all of
        one for its end at each.
        """
        if self._client.part is Waiting.HEAD:
            return self._client.receive(HEAD_STEP_BYTES)
        size = min(size_hint, READ_AHEAD_BYTES) if size_hint else READ_BYTES
        return self._client.receive(max(size, READ_BYTES))


class _Response(wsgi.Response):
    """A response that says so where it is the last one."""

    def __init__(
        self, request: Any, client: ClientSocket, cfg: Any, connection: ClientConnection
    ) -> None:
        super().__init__(request, client, cfg)
        self._connection = connection

    def should_close(self) -> bool:
        closes: bool = self._connection.is_last or super().should_close()
        return closes
