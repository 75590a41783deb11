"""HTTP connections that start the attempt of the thread that sends on them."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection

from user_service.sinks.sink import Attempt

# A kept-alive connection may be closed by the sink just as it is used again. The event carries
# its id, so that sending it once more is at worst a duplicate, and better than a failure.
# An answer is never a reason to try again: it is the outcome.
_ONCE_MORE = Retry(
    total=1,
    connect=0,
    read=1,
    redirect=0,
    status=0,
    other=0,
    allowed_methods=None,
    respect_retry_after_header=False,
)

# `attempt`: owned by the thread that sends. No library on the way hands it through.
_sending = threading.local()


@contextmanager
def sending(attempt: Attempt) -> Iterator[None]:
    """Let what this thread sends within the block be this attempt's."""
    _sending.attempt = attempt
    try:
        yield
    finally:
        del _sending.attempt


class SinkAdapter(HTTPAdapter):
    """One connection, kept alive. It MUST be used by one thread, within `sending`.

    No Session is around it: what that adds (cookies, proxies, redirects) is not wanted, and would
    nearly double what a post costs.
    """

    def __init__(self) -> None:
        super().__init__(pool_maxsize=1, max_retries=_ONCE_MORE)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class _FinalResponse(http.client.HTTPResponse):
    """The final answer: interim ones before it are skipped (RFC 9110, section 15.2)."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc] # not in typeshed
            if not HTTPStatus.PROCESSING <= status < HTTPStatus.OK:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _Connection(HTTPConnection):
    response_class = _FinalResponse
    sock: Any  # a socket, or None before the first use

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        connected = self.sock
        attempt: Attempt = _sending.attempt
        attempt.start_sending(lambda: connected.shutdown(socket.SHUT_RDWR))
        super().send(data)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
