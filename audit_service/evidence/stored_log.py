"""Log that is verified in its database: rows, tiles and checkpoints as they are stored."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Final, Self

from audit_service.evidence.checkpoints import Checkpoint, open_checkpoint
from audit_service.evidence.hashed_rows import Altered, hash_stored
from audit_service.evidence.merkle import HASH_SIZE
from audit_service.evidence.note_keys import VerifierKey
from audit_service.evidence.notes import Note, NoteMalformed, SignatureInvalid, parse_note
from audit_service.evidence.tiles import TILE_WIDTH
from audit_service.evidence.tree_store import open_tree
from audit_service.evidence.tree_table import SignedHead
from audit_service.evidence.verification import LogUnverifiable, Work
from audit_service.log.stored_rows import stored_rows

WORK_ROWS: Final = 16 * TILE_WIDTH


class StoredLog:
    """A VerifiedLog (see there) as it is when `heads` is called, which has to be first."""

    def __init__(self, url: str, password: str = "") -> None:
        self._place = url, password
        self._store = open_tree(url, password)
        self.last = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def heads(self, key: VerifierKey) -> list[tuple[Checkpoint, SignedHead]]:
        """The checkpoints that are kept, of which all signatures by the log's key hold.

        Raises Altered, LogUnverifiable where there is none.
        """
        identity = self._store.identity()
        heads: list[tuple[Checkpoint, SignedHead]] = []
        # Before the last position is read: whatever is signed is stored by then.
        while some := self._store.heads(heads[-1][0].size if heads else -1):
            heads += [(_opened(head, key), head) for head in some]
        with stored_rows(*self._place) as rows:
            self.last, first = rows.last(), rows.first()
        if first < 1:
            raise Altered(None, f"there is an event at {first}, before the first")
        if not heads or identity is None:
            raise LogUnverifiable("nothing of the log is signed yet")
        if identity.verifier_key != str(key):
            raise Altered(None, f"the log is signed with another key, {identity.verifier_key}")
        self._check_newest(heads[-1][0].size)
        return heads

    def _check_newest(self, size: int) -> None:
        """Raises Altered where tiles have leaves of a newer checkpoint, which is not there."""
        number = size // TILE_WIDTH
        after, last = self._store.tile(0, number + 1), self._store.tile(0, number) or b""
        found = number * TILE_WIDTH + len(last) // HASH_SIZE
        if after is not None:
            found = (number + 1) * TILE_WIDTH + len(after) // HASH_SIZE
        newest = self._store.newest()
        if found > size and (newest is None or newest.size < found):
            raise Altered(None, f"the newest checkpoint, of {found} events or more, is gone")

    def newest(self, key: VerifierKey) -> tuple[Checkpoint, Note]:
        """The newest checkpoint by now, and its note. Raises Altered, LogUnverifiable."""
        head = self._store.newest()
        if head is None:
            raise LogUnverifiable("nothing of the log is signed")
        return _opened(head, key), self.note(head)

    def note(self, head: SignedHead) -> Note:
        """The note of a checkpoint, with the cosignatures that there are."""
        note = parse_note(head.note)
        for each in self._store.cosignatures():
            # One that is none any more counts for nothing; it is no part of the log.
            with suppress(NoteMalformed):
                if each.size == head.size:
                    note = parse_note(bytes(note) + each.line.encode())
        return note

    def tile(self, level: int, number: int, width: int) -> bytes | None:
        found = self._store.tile(level, number)
        return None if found is None else found[: width * HASH_SIZE]

    def work(self, size: int) -> Iterator[Work]:
        for after in range(0, self.last, WORK_ROWS):
            until = min(after + WORK_ROWS, self.last)
            yield partial(hash_stored, *self._place, after, until, size)

    def conflicts(self) -> Mapping[int, int]:
        with stored_rows(*self._place) as rows:
            return rows.conflicts()


def _opened(head: SignedHead, key: VerifierKey) -> Checkpoint:
    try:
        checkpoint, _ = open_checkpoint(head.note, key)
    except (NoteMalformed, SignatureInvalid) as error:
        raise Altered(None, f"the checkpoint of {head.size} events {error}") from None
    if (checkpoint.size, checkpoint.root) != (head.size, head.root):
        raise Altered(None, f"the checkpoint of {head.size} events is not what was signed")
    return checkpoint
