"""Mark of an index: how far it came, and of which log."""

from dataclasses import dataclass

import apsw

from audit_service.log import Backend
from audit_service.log.backend import Heading
from audit_service.search.index.faults import IndexForeign


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an index came: the position of its last event, and the headings of this one and of
    the log's first.

    `partial`: events of which not all terms are in it.
    """

    position: int
    last: Heading
    first: Heading
    partial: int = 0


def read_mark(db: apsw.Connection) -> Mark | None:
    """The mark of an index, None where nothing is in it."""
    row = db.execute(
        "SELECT position, received_at, digest, first_received_at, first_digest, partial FROM mark"
    ).fetchone()
    if row is None:
        return None
    position, *headings, partial = row
    return Mark(position, Heading(*headings[:2]), Heading(*headings[2:]), partial)


def write_mark(db: apsw.Connection, mark: Mark) -> None:
    """Put it in the place of the one before."""
    db.execute("DELETE FROM mark")
    db.execute(
        "INSERT INTO mark VALUES (?, ?, ?, ?, ?, ?)",
        (
            *(mark.position, mark.last.received_at, mark.last.digest),
            *(mark.first.received_at, mark.first.digest, mark.partial),
        ),
    )


def check_mark(mark: Mark, log: Backend) -> None:
    """Raises IndexForeign where the mark is not of that log; LogUnavailable.

    The same events that arrived at other times make another log, whose periods are others.
    """
    for position, heading in ((1, mark.first), (mark.position, mark.last)):
        if log.heading(position) != heading:
            raise IndexForeign("it is of another log")
