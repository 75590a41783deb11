"""Query of statistics as it comes in a URL: filters, the length of a bucket, what is grouped by."""

from enum import StrEnum
from typing import Final

from werkzeug.datastructures import MultiDict

from audit_service.api import filtered
from audit_service.search.buckets import Asked, Bucket
from audit_service.search.expressions import Clock
from audit_service.search.index.blocks import second_of
from audit_service.search.index.value_counts import ValueKind
from audit_service.search.moments import moment

AUTO: Final = "auto"
BUCKETS: Final = {AUTO: None, **{bucket.value: bucket for bucket in Bucket}}


class Group(StrEnum):
    """What the counts of a bucket are told apart by."""

    NONE = "none"
    TYPE = "type"
    SOURCE = "source"


_KINDS: Final = {
    Group.NONE.value: None,
    Group.TYPE.value: ValueKind.TYPE,
    Group.SOURCE.value: ValueKind.SOURCE,
}
_OWN: Final = {"bucket": filtered.one_of(BUCKETS), "group": filtered.one_of(_KINDS)}


def read(parameters: MultiDict[str, str], now: int) -> Asked:
    """What these parameters ask for. `now`: see `read_filters`.

    Raises InvalidFilters, which names each that is wrong.
    """
    asked = filtered.read(parameters, now, _OWN)
    period = asked.period
    return Asked(
        asked.expression,
        Clock(period.get("by", Clock.ARRIVAL.value)),
        since=second_of(moment(period["since"])) if "since" in period else None,
        until=_end(period["until"]) if "until" in period else None,
        bucket=asked.own.get("bucket"),
        group=asked.own.get("group"),
    )


def _end(until: str) -> int:
    """The first second that has no moment before `until`."""
    end = moment(until)
    return second_of(end) + (end[1] != "")
