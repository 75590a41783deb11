"""Socket of a client, in a greenlet that waits for it in no other way than `waiting` says.

Whoever finds that it takes too long ends it there: what is being answered is never broken off.
"""

import select
import socket
import struct
import time
from contextlib import suppress
from enum import Enum, auto
from typing import Any, Final, Protocol

from service_kit.process.turns import give_turn

READ_BYTES: Final = 8 * 1024
READ_AHEAD_BYTES: Final = 64 * 1024
LINGER_STEP_BYTES: Final = 1024 * 1024
LINGER_BYTES: Final = 16 * 1024 * 1024
NOT_SENT_BYTES: Final = 128 * 1024

_NOT_SENT: Final[int | None] = getattr(socket, "TCP_NOTSENT_LOWAT", None)
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_LINGER: Final = struct.pack("ii", 0, 0)


class Waiting(Enum):
    """What is waited for."""

    NOTHING = auto()
    """A request is being answered."""
    REQUEST = auto()
    HEAD = auto()
    BODY = auto()
    READER = auto()
    """The client is to read more of its answer."""
    END = auto()
    """The client is to close."""


class TooLate(TimeoutError):
    """The client took too long to send its request, or others need its room."""


class Holder(Protocol):
    """Whoever counts the bytes that are in memory for clients."""

    def hold(self, client: "ClientSocket", size: int) -> None:
        """Count so many bytes more."""
        ...

    def give_back(self, client: "ClientSocket", size: int) -> None:
        """Count so many bytes less."""
        ...

    def release(self, client: "ClientSocket") -> None:
        """Count none any more."""
        ...


class ClientSocket:
    """A socket, owned by its greenlet; `end` is for others."""

    def __init__(self, connected: Any, holder: Holder) -> None:
        """`connected`: a socket of gevent's."""
        self.connected = connected
        if _NOT_SENT is not None:
            # Else one that reads slowly seems to stand still: the system takes more from us only
            # once a third of some megabytes was read.
            with suppress(OSError):  # It is no TCP, or the client has gone already.
                connected.setsockopt(socket.IPPROTO_TCP, _NOT_SENT, NOT_SENT_BYTES)
        self._holder = holder
        # Which part of a request comes next.
        self.part = Waiting.REQUEST
        self.waiting = Waiting.REQUEST
        # When the part began, and when a byte was sent or received last (monotonic, seconds).
        self.since = self.progress = time.monotonic()
        # Bytes of the part that were received.
        self.received = 0
        # Bytes of the request, or of its answer, that are in memory.
        self.held = 0
        # Whether its answer is sent as it is made, until somebody ends it.
        self.is_streamed = False
        self.is_ended = False

    def begin(self, part: Waiting) -> None:
        """Have a part of a request begin."""
        self.part = part
        self.since = time.monotonic()
        self.received = 0

    def end(self) -> None:
        """Have it wait no longer; it is closed, after an answer where there can be one."""
        self.is_ended = True
        if self.waiting is Waiting.READER:
            self.break_off()
            return
        with suppress(OSError):
            self.connected.shutdown(socket.SHUT_RD)

    def break_off(self) -> None:
        """Reset the connection, whose answer is not whole, and MUST NOT end as one that is does.

        The system keeps none of it either. Whoever waits on it has an OSError.
        """
        with suppress(OSError):
            self.reset_at_close()
            self.connected.close()

    def reset_at_close(self, *, on: bool = True) -> None:
        """Have the connection be reset when it is closed, by the system too, where the process
        ends. Raises OSError.
        """
        self.connected.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER if on else _LINGER
        )

    def has_input(self) -> bool:
        """Whether there is something to read by now."""
        poll = select.poll()
        poll.register(self.connected.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def is_gone(self) -> bool:
        """Whether the client has closed, or reset, by now; what it sends is not read."""
        try:
            return self.has_input() and not self.connected.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def receive(self, size: int) -> bytes:
        """Bytes of the request, at most `size` of them; none at its end.

        Raises TooLate, OSError.
        """
        give_turn()
        self.waiting = self.part
        try:
            data: bytes = self.connected.recv(size)
        except OSError:
            if not self.is_ended:
                raise
        finally:
            self.waiting = Waiting.NOTHING
        if self.is_ended:
            raise TooLate
        if self.part is Waiting.REQUEST:
            self.begin(Waiting.HEAD)
        self.progress = time.monotonic()
        self._holder.hold(self, len(data))
        self.received += len(data)
        return data

    def sendall(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""
        self.progress = time.monotonic()
        self.waiting = Waiting.READER
        try:
            sent = self.connected.send(data)
            while sent < len(data):
                give_turn()
                sent += self.connected.send(memoryview(data)[sent:])
                self.progress = time.monotonic()
        finally:
            self.waiting = Waiting.NOTHING

    send = sendall
    """For gunicorn, whose answer to `Expect` is so short that it is sent whole."""

    def linger(self) -> None:
        """Throw away what still comes, until the client has closed. Raises OSError.

        Closed at once, a socket with bytes that nobody read resets the connection, and takes with
        it the answer that the client has not read yet: who is refused before the body was read
        would never know why (RFC 9112, section 9.6).
        """
        self._holder.release(self)
        self.connected.shutdown(socket.SHUT_WR)
        self.begin(Waiting.END)
        self.waiting = Waiting.END
        while self.received < LINGER_BYTES and (data := self.connected.recv(LINGER_STEP_BYTES)):
            self.received += len(data)
