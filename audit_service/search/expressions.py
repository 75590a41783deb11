"""Expressions: what is asked of a record; `matches` says whether a record is so."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Protocol

from audit_service.events import Tolerance
from audit_service.log import Record
from audit_service.search.contents import Contents, Path
from audit_service.search.moments import Moment, moment, moment_of


class Subject:
    """A record, as expressions see it; what is costly to find out is found out once."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.contents = Contents(record.event)

    @cached_property
    def received(self) -> Moment:
        """The moment of its commit."""
        return moment_of(self.record.received_at)

    @cached_property
    def occurred(self) -> Moment | None:
        """The moment that the event says; None where it says none."""
        time = self.contents.attribute("time")
        return None if time is None else moment(time)


class Expression(Protocol):
    """Something that is asked of a record. Immutable."""

    def holds(self, subject: Subject) -> bool:
        """Whether it is so."""
        ...


def matches(record: Record, expression: Expression) -> bool:
    """Whether the expression holds for the record."""
    return expression.holds(Subject(record))


class Comparison(Enum):
    """How a text is compared."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"

    def accepts(self, text: str, value: str) -> bool:
        """Whether `text` is `value`, begins with it, or ends with it."""
        if self is Comparison.EXACT:
            return text == value
        return text.startswith(value) if self is Comparison.PREFIX else text.endswith(value)


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute is there, and compares so."""

    name: str
    value: str
    comparison: Comparison = Comparison.EXACT

    def holds(self, subject: Subject) -> bool:
        text = subject.contents.attribute(self.name)
        return text is not None and self.comparison.accepts(text, self.value)


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender is known, and their name compares so."""

    value: str
    comparison: Comparison = Comparison.EXACT

    def holds(self, subject: Subject) -> bool:
        name = subject.record.sender
        return name is not None and self.comparison.accepts(name, self.value)


@dataclass(frozen=True, slots=True)
class Field:
    """A scalar at that path of the JSON data has that text."""

    path: Path
    value: str

    def holds(self, subject: Subject) -> bool:
        return self.value in subject.contents.fields(self.path)


@dataclass(frozen=True, slots=True)
class Words:
    """All of these words are in the event."""

    words: frozenset[str]

    def holds(self, subject: Subject) -> bool:
        return self.words <= subject.contents.words


class Clock(Enum):
    """By which time a period is meant."""

    ARRIVAL = "arrival"
    EVENT = "time"


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on and before `until`, each where it is given. No event without a time."""

    since: Moment | None
    until: Moment | None
    by: Clock

    def holds(self, subject: Subject) -> bool:
        at = subject.received if self.by is Clock.ARRIVAL else subject.occurred
        if at is None:
            return False
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Conflicting:
    """Another event has its source and id, and came before it."""

    def holds(self, subject: Subject) -> bool:
        return subject.record.conflicts_with is not None


@dataclass(frozen=True, slots=True)
class FromKafka:
    """It came through Kafka."""

    def holds(self, subject: Subject) -> bool:
        return subject.record.origin is not None


@dataclass(frozen=True, slots=True)
class Tolerated:
    """This deviation was let in with it."""

    tolerance: Tolerance

    def holds(self, subject: Subject) -> bool:
        return self.tolerance in subject.record.event.tolerated


@dataclass(frozen=True, slots=True)
class All:
    """Every one of them holds; so does none at all."""

    parts: Sequence[Expression] = ()

    def holds(self, subject: Subject) -> bool:
        return all(part.holds(subject) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Any:
    """One of them holds at least."""

    parts: Sequence[Expression]

    def holds(self, subject: Subject) -> bool:
        return any(part.holds(subject) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    part: Expression

    def holds(self, subject: Subject) -> bool:
        return not self.part.holds(subject)
