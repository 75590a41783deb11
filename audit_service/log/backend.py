"""Backend of the log: the protocol of a store of rows, and the types of what goes in and out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol

from audit_service.events import Digest, Event
from service_kit import group_commit


class LogUnavailable(Exception):
    """The log cannot be used now; nothing is acknowledged, and a retry is right.

    What was to be appended may be there all the same, if the fault came after the commit: a
    retry is then a duplicate.
    """


class DiskFull(LogUnavailable):
    """The disk is full up to its reserve: nothing was stored."""


class Outcome(Enum):
    """What became of an event that was appended; each of them is an acknowledgement."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    """The same event was there already, at the receipt's position."""
    CONFLICTING = "conflicting"
    """Stored, too, but another event has its source and id: a fault, or tampering."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where an event is, and how it came to be there.

    `conflicts_with` is the position of the first event of the same source and id.
    """

    position: int
    outcome: Outcome
    conflicts_with: int | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the message that brought an event is in Kafka; kept beside the event, not in it."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An event to append, hashed before any lock is acquired."""

    event: Event
    digest: Digest
    origin: Origin | None = None
    sender: str | None = None
    """The name of the principal that sent it; in neither event nor digest."""


class Salts(NamedTuple):
    """Random bytes, SALT_SIZE each, under which an event is committed to: its attributes and what
    is beside them, and its data.
    """

    attributes: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """An event in the log. `received_at`: microseconds since 1970, UTC, of its commit.

    `origin`: None where it came over HTTP; `sender`: None where it is not known; `salts`: None
    where an event of an older version has none yet.
    """

    position: int
    received_at: int
    conflicts_with: int | None
    event: Event
    origin: Origin | None = None
    sender: str | None = None
    salts: Salts | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Records in the order that was asked for; `more`: whether there are others after them."""

    records: Sequence[Record]
    more: bool


@dataclass(frozen=True, slots=True)
class Heading:
    """What is known of an event beside its contents: see Record; `digest`: of its content."""

    received_at: int
    digest: bytes


Drain = group_commit.Drain[Entry]
Execute = Callable[[str, Sequence[Any]], Iterable[Sequence[Any]]]
"""Runs a statement with its parameters; the rows."""
Also = Callable[[Execute], object]
"""Other changes of the same database."""

OWN_SENDER: Final = "audit-service"
"""Of what the log tells of itself: nobody else has that name."""
SALT_SIZE: Final = 16
LOCK_SECONDS: Final = 4.0
"""How long a backend waits at most for the lock of another process."""


class Backend(Protocol):
    """Store of rows. Every backend passes the same suite of rules.

    Every method raises LogUnavailable where the store cannot be used now.
    """

    def commit(self, drain: Drain, also: Also | None = None) -> Sequence[Receipt]:
        """Append all entries that `drain` gives or none, in their order, in one transaction with
        what else is to be changed; what `also` raises undoes both.

        MUST NOT return before the commit is on disk. MUST read the last position and commit
        under one lock that excludes every other writer, of any process, so that positions
        are gapless and rise in commit order. Called by one thread at a time.
        """
        ...

    def newest(self, before: int | None, limit: int, max_bytes: int) -> Page:
        """At most `limit` records below position `before`, from the end where it is None.

        Stops before they would exceed `max_bytes` as they are stored; the first is given in any
        case.
        """
        ...

    def oldest(self, after: int | None, limit: int, max_bytes: int) -> Page:
        """The same above position `after`, the oldest first; of all where it is None."""
        ...

    def at(self, positions: Sequence[int], max_bytes: int) -> Page:
        """The records at these positions, which rise or fall, in that order; likewise."""
        ...

    def get(self, position: int) -> Record | None:
        """The record at a position, None where there is none."""
        ...

    def heading(self, position: int) -> Heading | None:
        """What is known of the event at a position, None where there is none."""
        ...

    def add_salts(self, salts: Mapping[int, Salts]) -> None:
        """Give events, by position, that have no salts these; those that have some keep them.

        MUST NOT return before they are on disk: what is committed to under them is published.
        """
        ...

    def last(self) -> int:
        """The last position, 0 where there is none."""
        ...

    def size(self) -> int:
        """Bytes that the log takes on the disk."""
        ...

    def ping(self) -> None:
        """Return if the log can be read, and is not read-only."""
        ...

    def close(self) -> None:
        """Close every connection; the backend is not used afterwards."""
        ...
