"""Query of statistics as it comes in a URL: filters, the length of a bucket, what is grouped by."""

from enum import StrEnum
from typing import Final

from werkzeug.datastructures import MultiDict

from audit_service.search import InvalidFilters, read_filters
from audit_service.search.buckets import Asked, Bucket
from audit_service.search.expressions import Clock
from audit_service.search.index.blocks import second_of
from audit_service.search.index.value_counts import ValueKind
from audit_service.search.moments import moment
from service_kit.http.query_parameters import TWICE

AUTO: Final = "auto"
BUCKETS: Final = {AUTO: None, **{bucket.value: bucket for bucket in Bucket}}


class Group(StrEnum):
    """What the counts of a bucket are told apart by."""

    NONE = "none"
    TYPE = "type"
    SOURCE = "source"


_KINDS: Final = {Group.NONE: None, Group.TYPE: ValueKind.TYPE, Group.SOURCE: ValueKind.SOURCE}


def read(parameters: MultiDict[str, str], now: int) -> Asked:
    """What these parameters ask for. `now`: see `read_filters`.

    Raises InvalidFilters, which names each that is wrong.
    """
    rules: dict[str, str] = {}
    own = {"bucket": AUTO, "group": Group.NONE.value}
    for name, choices in (("bucket", list(BUCKETS)), ("group", [each.value for each in Group])):
        given = parameters.getlist(name)
        if len(given) > 1:
            rules[name] = TWICE
        elif given and given[0] not in choices:
            rules[name] = f"must be one of {', '.join(choices)}"
        elif given:
            own[name] = given[0]
    filters = [pair for pair in parameters.items(multi=True) if pair[0] not in own]
    try:
        expression, period = read_filters(filters, now)
    except InvalidFilters as error:
        raise InvalidFilters({**error.rules, **rules}) from None
    if rules:
        raise InvalidFilters(rules)
    return Asked(
        expression,
        Clock(period.get("by", Clock.ARRIVAL.value)),
        since=second_of(moment(period["since"])) if "since" in period else None,
        until=_end(period["until"]) if "until" in period else None,
        bucket=BUCKETS[own["bucket"]],
        group=_KINDS[Group(own["group"])],
    )


def _end(until: str) -> int:
    """The first second that has no moment before `until`."""
    end = moment(until)
    return second_of(end) + (end[1] != "")
