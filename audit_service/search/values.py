"""Values that there are: types, sources and names of extensions, with how often and when."""

from dataclasses import dataclass

from audit_service.log import Record
from audit_service.search.find import Search
from audit_service.search.index.value_counts import (
    LONGEST,
    NO_EXTENSIONS,
    OTHER_CODE,
    ValueCount,
    ValueKind,
)
from audit_service.search.index.view import IndexView
from audit_service.search.paging import Budget, Meter, Order
from audit_service.search.scan import STEP_RECORDS, scan


@dataclass(frozen=True, slots=True)
class Values:
    """Values, the most frequent first; `is_complete`: there are no others."""

    items: list[ValueCount]
    is_complete: bool


def values(search: Search, kind: ValueKind, budget: Budget) -> Values:
    """The values of a kind that are in the log. Raises LogUnavailable."""
    meter = Meter(budget)
    found = search.indexed(lambda view: _values(search, kind, meter, view))
    return found or _values(search, kind, meter, None)


def _values(search: Search, kind: ValueKind, meter: Meter, view: IndexView | None) -> Values:
    found = [] if view is None else view.values(kind)
    known = {value.name: value for value in found if value.code != OTHER_CODE}
    # What the index counts among all others is not counted by its name past it.
    has_others = len(known) < len(found)
    is_complete = not has_others
    stop = 0 if view is None else view.position
    for step in scan(search.log, Order.DESCENDING, None, STEP_RECORDS, stop):
        meter.looked_at(1)
        if step.record is not None:
            for name in _names(step.record, kind):
                if len(name) > LONGEST or (has_others and name not in known):
                    is_complete = False
                else:
                    _count(known, name, step.record.received_at)
        if meter.is_spent and not step.is_last:
            is_complete = False
            break
    items = sorted(known.values(), key=lambda value: (-value.count, value.name))
    return Values(items, is_complete)


def _names(record: Record, kind: ValueKind) -> list[str]:
    attributes = record.event.attributes
    if kind is ValueKind.EXTENSION:
        return [name for name in attributes if name not in NO_EXTENSIONS]
    return [str(attributes[kind])]


def _count(known: dict[str, ValueCount], name: str, at: int) -> None:
    value = known.setdefault(name, ValueCount(OTHER_CODE, name, 0, at, at))
    value.count += 1
    value.first_seen = min(value.first_seen, at)
    value.last_seen = max(value.last_seen, at)
