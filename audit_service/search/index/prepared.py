"""Prepared events: all that an index keeps of a record, made without the index."""

from collections.abc import Sequence
from typing import NamedTuple

from audit_service.log import Record
from audit_service.log.backend import Heading
from audit_service.log.recent_records import RecentRecords
from audit_service.search.index.blocks import NO_TIME, second_of
from audit_service.search.index.terms import terms_of
from audit_service.search.index.value_counts import LONGEST, NO_EXTENSIONS
from audit_service.search.moments import moment


class PreparedEvent(NamedTuple):
    """What is kept of an event. `arrived`: microseconds since 1970; `time`: the event's own, in
    seconds, NO_TIME where it says none; `is_partial`: some terms or words were left out.
    """

    position: int
    terms: str
    words: str
    is_partial: bool
    arrived: int
    time: int
    type: str
    source: str
    extensions: tuple[str, ...]


class Batch(NamedTuple):
    """Events that follow each other, and the heading of the last of them."""

    events: Sequence[PreparedEvent]
    heading: Heading

    @property
    def last(self) -> int:
        """The last position."""
        return self.events[-1].position


def read_batch(recent: RecentRecords, after: int) -> Batch | None:
    """What follows a position, some thousand events at most; None where there is nothing.

    Raises LogUnavailable.
    """
    records = recent.after(after)
    if not records:
        return None
    heading = recent.log.heading(records[-1].position)
    return None if heading is None else Batch(list(map(prepare, records)), heading)


def prepare(record: Record) -> PreparedEvent:
    """What an index keeps of a record."""
    terms, words, is_partial = terms_of(record)
    attributes = record.event.attributes
    time = attributes.get("time")
    return PreparedEvent(
        record.position,
        terms,
        words,
        is_partial,
        record.received_at,
        NO_TIME if time is None else second_of(moment(str(time))),
        str(attributes["type"])[: LONGEST + 1],
        str(attributes["source"])[: LONGEST + 1],
        tuple(name for name in attributes if name not in NO_EXTENSIONS),
    )
