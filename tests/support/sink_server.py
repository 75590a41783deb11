"""Sinks on real sockets, well behaved and not: a `Behaviour` says what one does to a peer.

A behaviour is called for each connection, and again as long as it returns True.
"""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Received:
    """A request as it came; header names in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """One connection, as a behaviour sees it. `request`: the last one that was read."""

    def __init__(self, connection: socket.socket, sink: "Sink") -> None:
        self._socket = connection
        self._stream = connection.makefile("rb")
        self._sink = sink
        self.request = Received("", {}, b"")

    @property
    def stop_event(self) -> threading.Event:
        """Set when the sink stops."""
        return self._sink.stop_event

    def read(self) -> bool:
        """Read a request, and keep it; False where the peer has gone, in the middle too."""
        line = self._stream.readline()
        if not line:
            return False
        headers = {}
        while (header := self._stream.readline()) != b"\r\n":
            if not header:
                return False
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        body = self._stream.read(length)
        if len(body) < length:
            return False
        self.request = Received(line.decode("latin-1").strip(), headers, body)
        self._sink.keep(self.request)
        return True

    def send(self, *parts: bytes) -> None:
        """Send what follows one another."""
        self._socket.sendall(b"".join(parts))

    def close(self) -> None:
        """Break off what the peer may still send."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._stream.close()
        self._socket.close()


Behaviour = Callable[[Peer], bool]


@dataclass
class Sink:
    """A server on a loopback port, a thread for each connection."""

    behave: Behaviour
    at_port: int = 0
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    stop_event: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.at_port), backlog=64)
        self._news = threading.Condition()
        self._peers: list[Peer] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where to post to."""
        return f"http://127.0.0.1:{self.port}/"

    def keep(self, request: Received) -> None:
        """Keep a request, and tell those who wait for one."""
        with self._news:
            self.received.append(request)
            self._news.notify_all()

    def wait_for(self, requests: int) -> None:
        """Return once so many requests came in."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.received) >= requests, PATIENCE_SECONDS), (
                f"{len(self.received)} of {requests} requests came"
            )

    def drop_connections(self) -> None:
        """Close every connection; new ones are taken."""
        with self._news:
            peers, self._peers = self._peers, []
        for peer in peers:
            peer.close()

    def stop(self) -> None:
        """Close everything and wait for the threads."""
        self.stop_event.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        self.drop_connections()
        for thread in self._threads:
            thread.join()

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stop_event.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            peer = Peer(connection, self)
            with self._news:
                self.connections += 1
                self._peers.append(peer)
            self._start(partial(self._serve, peer))

    def _serve(self, peer: Peer) -> None:
        # A peer that goes away in the middle, or a stream that stop() closed.
        with suppress(OSError, ValueError):
            while self.behave(peer):
                pass
        peer.close()


@contextmanager
def open_sink(behave: Behaviour, port: int = 0) -> Iterator[Sink]:
    """A sink that stops at the end, on a port that is free or the one that is said."""
    sink = Sink(behave, port)
    try:
        yield sink
    finally:
        sink.stop()


def answering(status: int = 204, headers: Iterable[str] = (), body: bytes = b"") -> Behaviour:
    """Answers every request, and keeps the connection."""
    length = [] if status == 204 else [f"Content-Length: {len(body)}"]
    head = "".join(f"{line}\r\n" for line in [f"HTTP/1.1 {status} Told", *headers, *length])

    def behave(peer: Peer) -> bool:
        if not peer.read():
            return False
        peer.send(head.encode(), b"\r\n", body)
        return True

    return behave


def sending(*parts: bytes) -> Behaviour:
    """Reads a request, sends these bytes, whatever they are, and closes."""

    def behave(peer: Peer) -> bool:
        if peer.read():
            peer.send(*parts)
        return False

    return behave


def hanging(first: bytes = b"") -> Behaviour:
    """Reads a request, sends `first`, and nothing more."""

    def behave(peer: Peer) -> bool:
        if peer.read():
            peer.send(first)
            peer.stop_event.wait()
        return False

    return behave


def in_turn(*statuses: int) -> Behaviour:
    """Answers one status after the other, and 204 from then on; 0 is no answer."""
    left = list(statuses)

    def behave(peer: Peer) -> bool:
        if not peer.read():
            return False
        status = left.pop(0) if left else 204
        if status == 0:
            peer.stop_event.wait()
            return False
        length = b"" if status == 204 else b"Content-Length: 0\r\n"
        peer.send(f"HTTP/1.1 {status} Told\r\n".encode(), length, b"\r\n")
        return True

    return behave


def holding(gate: threading.Event, requests: int) -> Behaviour:
    """Answers 204; so many requests, the first to come, only once the gate is open."""
    to_hold = threading.BoundedSemaphore(requests)

    def behave(peer: Peer) -> bool:
        if not peer.read():
            return False
        if to_hold.acquire(blocking=False):
            assert gate.wait(PATIENCE_SECONDS)
        peer.send(b"HTTP/1.1 204 Told\r\n\r\n")
        return True

    return behave


def dribbling(head: bytes, pause: float = 0.05) -> Behaviour:
    """Sends `head` a byte at a time, and then the same byte for ever."""

    def behave(peer: Peer) -> bool:
        if not peer.read():
            return False
        for byte in head:
            peer.send(bytes([byte]))
            if peer.stop_event.wait(pause):
                return False
        while not peer.stop_event.wait(pause):
            peer.send(head[-1:])
        return False

    return behave


def flooding(head: bytes) -> Behaviour:
    """Sends `head` and then bytes without end, as fast as they are taken."""

    def behave(peer: Peer) -> bool:
        if peer.read():
            peer.send(head)
            while not peer.stop_event.is_set():
                peer.send(b"x" * 65536)
        return False

    return behave


def closing(_: Peer) -> bool:
    """Closes at once, with nothing read."""
    return False


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses, and that nobody else gets meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port of every loopback address that neither takes connections nor refuses them."""
    with ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.bind(("0.0.0.0", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        # Once its queue is full the system lets further attempts go unanswered.
        for _ in range(8):
            filler = held.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield port
