"""Positions: the rule for the place of each event, and the rows to insert."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from audit_service.log import rows
from audit_service.log.backend import SALT_SIZE, Entry, Outcome, Receipt, Salts
from audit_service.log.rows import Row


@dataclass(frozen=True, slots=True)
class Existing:
    """What the log already has of an entry: the positions of the first event of its source
    and id, and of the same event.
    """

    first: int | None
    same: int | None


def assign_positions(
    entries: Sequence[Entry], existing: Iterable[Existing], last: int, now: int, salts: bytes
) -> tuple[list[Receipt], list[Row]]:
    """A receipt for each entry, and the rows to insert, their columns as rows.INSERTED.

    `last`: the last position in use; `now`: microseconds since 1970, UTC; `salts`: of each entry
    2 * SALT_SIZE random bytes. An entry may repeat, or conflict with, an earlier one of the same
    commit.
    """
    receipts: list[Receipt] = []
    inserted: list[Row] = []
    firsts: dict[bytes, int] = {}
    positions: dict[tuple[bytes, bytes], int] = {}
    for entry, found in zip(entries, existing, strict=True):
        identity, content = entry.digest.identity, entry.digest.content
        same = found.same or positions.get((identity, content))
        if same is not None:
            receipts.append(Receipt(same, Outcome.DUPLICATE))
            continue
        first = found.first or firsts.get(identity)
        last += 1
        firsts.setdefault(identity, last)
        positions[identity, content] = last
        at = 2 * SALT_SIZE * len(inserted)
        inserted.append(
            (
                *(last, now, first, identity, content, *rows.columns_of(entry.event), entry.sender),
                *(salts[at : at + SALT_SIZE], salts[at + SALT_SIZE : at + 2 * SALT_SIZE]),
            )
        )
        outcome = Outcome.STORED if first is None else Outcome.CONFLICTING
        receipts.append(Receipt(last, outcome, first))
    return receipts, inserted


def random_salts(count: int) -> bytes:
    """The salts of so many events."""
    return os.urandom(2 * SALT_SIZE * count)


def late_salts(positions: Sequence[int]) -> Mapping[int, Salts]:
    """Salts for events that have none."""
    return {position: Salts(os.urandom(SALT_SIZE), os.urandom(SALT_SIZE)) for position in positions}
