"""Sinks that answer what no event is acknowledged by, or not in time, for the table of outcomes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.support.sink_server import Behaviour, Peer, Sink, answering, closing, hanging, sending

LATE_SECONDS = 3.5


def late(peer: Peer) -> bool:
    """Acknowledges when nobody waits for it any more."""
    if peer.read() and not peer.stop_event.wait(LATE_SECONDS):
        peer.send(b"HTTP/1.1 204 Told\r\n\r\n")
    return False


def _codes(*statuses: int) -> Mapping[str, Behaviour]:
    return {str(status): answering(status) for status in statuses}


UNAVAILABLE: Mapping[str, Behaviour] = {
    "closes": closing,
    "hangs": hanging(),
    "hangs in its answer": hanging(b"HTTP/1.1 2"),
    "acknowledges late": late,
    "garbage": sending(b"\x00\xff\r\n\r\n"),
    "half an answer": sending(b"HTTP/1.1 2"),
    **_codes(408, 425, 429, 500, 502, 503, 504),
}
CONFLICT = _codes(409)
REFUSED = _codes(400, 413, 415, 422)
MISCONFIGURED = _codes(301, 302, 304, 307, 401, 403, 404, 405, 406, 407, 410, 418)
ALL = {**UNAVAILABLE, **CONFLICT, **REFUSED, **MISCONFIGURED}


@contextmanager
def at_once(sink: Sink, behave: Behaviour) -> Iterator[None]:
    """Have the sink behave so until the end of the block."""
    usual = sink.behave
    sink.behave = behave
    # On each of them it waits for a request already, to behave as it did.
    sink.drop_connections()
    try:
        yield
    finally:
        sink.behave = usual
        sink.drop_connections()
