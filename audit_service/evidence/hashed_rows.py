"""Rows that are hashed to verify them: their leaves, and whether what is derived of them holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from audit_service.events import digest
from audit_service.events.digest import CANONICAL_VERSION, older_content
from audit_service.evidence.leaf import Unsalted, leaf_of
from audit_service.evidence.merkle import leaf_hash
from audit_service.log import Record
from audit_service.log.stored_rows import RowUnreadable, StoredRow, stored_rows


class Altered(Exception):
    """The log is not what was signed, from a position on; None where it cannot be told."""

    def __init__(self, position: int | None, reason: str) -> None:
        # Both, so that it can come from another process.
        super().__init__(position, reason)
        self.position = position
        self.reason = reason

    def __str__(self) -> str:
        return self.reason if self.position is None else f"event {self.position} {self.reason}"


@dataclass(frozen=True, slots=True)
class HashedRows:
    """So many rows, the hashes of the leaves of those that have some, joined, and the first that
    is not as it was. `conflicts`: of each that says it conflicts with one, with which.
    """

    count: int
    leaves: bytes
    altered: Altered | None = None
    conflicts: Mapping[int, int] = field(default_factory=dict)


def hash_stored(url: str, password: str, after: int, until: int, size: int) -> HashedRows:
    """The rows of a database between two positions; of those up to `size` the leaves.

    Raises LogUnavailable.
    """
    hashing = _Hashing(after, size)
    with stored_rows(url, password) as found:
        try:
            for row in found.between(after, until):
                hashing.add(row.record)
                _check_derived(row)
            hashing.check_end(until)
        except RowUnreadable as error:
            return hashing.result(Altered(hashing.position + 1, str(error)))
        except Altered as error:
            return hashing.result(error)
    return hashing.result()


def hash_records(records: Iterable[Record], after: int, size: int) -> HashedRows:
    """Records that follow a position; of those up to `size` the leaves."""
    hashing = _Hashing(after, size)
    try:
        for record in records:
            hashing.add(record)
    except Altered as error:
        return hashing.result(error)
    return hashing.result()


class _Hashing:
    """Rows as they come."""

    def __init__(self, after: int, size: int) -> None:
        self.position = after
        self._after = after
        self._size = size
        self._leaves: list[bytes] = []
        self._conflicts: dict[int, int] = {}

    def add(self, record: Record) -> None:
        """Raises Altered."""
        if record.position != self.position + 1:
            raise Altered(self.position + 1, "is missing")
        if record.position <= self._size:
            try:
                self._leaves.append(leaf_hash(leaf_of(record)))
            except Unsalted:
                raise Altered(record.position, "has lost its salts") from None
        if record.conflicts_with is not None:
            self._conflicts[record.position] = record.conflicts_with
        self.position = record.position

    def check_end(self, until: int) -> None:
        """Raises Altered unless all up to there came."""
        if self.position != until:
            raise Altered(self.position + 1, "is missing")

    def result(self, altered: Altered | None = None) -> HashedRows:
        """All that came."""
        count = self.position - self._after
        return HashedRows(count, b"".join(self._leaves), altered, self._conflicts)


def _check_derived(row: StoredRow) -> None:
    event = row.record.event
    try:
        made = digest(event)
        content = older_content(event) if row.version is None else made.content
    except (ValueError, RecursionError):
        raise Altered(row.record.position, "has data that are not what it says") from None
    if row.version not in {None, CANONICAL_VERSION}:
        raise Altered(row.record.position, f"has a digest of an unknown form, {row.version}")
    if (row.identity, row.digest) != (made.identity, content):
        raise Altered(row.record.position, "has another digest than it should have")
