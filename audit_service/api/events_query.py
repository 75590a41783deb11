"""Query of events as it comes in a URL: filters, an order, a page; a cursor is bound to them."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from audit_service.search import Expression, InvalidFilters, read_filters
from audit_service.search.filters import Parameters
from audit_service.search.scan import Order
from service_kit.http import cursors
from service_kit.http.query_parameters import whole_number

MAX_POSITION: Final = 2**63 - 1
MAX_LIMIT: Final = 1000
LIMIT: Final = 100

_CURSOR = re.compile(r"(before|after):([1-9][0-9]{0,18})(?: ([0-9a-f]{32}) (\S+) (\S+))?")
_DIRECTIONS: Final = {Order.DESCENDING: "before", Order.ASCENDING: "after"}
_NO_TIME: Final = "-"


@dataclass(frozen=True, slots=True)
class EventsQuery:
    """What is asked for: at most `limit` events for which `expression` holds, beyond `start`.

    `period`: of its filters, with relative times as they were on the first page.
    """

    expression: Expression
    order: Order
    start: int | None
    limit: int
    period: Mapping[str, str]
    _digest: str | None

    def cursor_at(self, position: int) -> str:
        """The cursor that goes on beyond a position."""
        text = f"{_DIRECTIONS[self.order]}:{position}"
        if self._digest is not None:
            times = (self.period.get(name, _NO_TIME) for name in ("since", "until"))
            text += f" {self._digest} {' '.join(times)}"
        return cursors.encode(text)


def read(parameters: Parameters, now: int) -> EventsQuery:
    """The query of these parameters. `now`: see `read_filters`.

    Raises InvalidFilters, which names each that is wrong.
    """
    rules: dict[str, str] = {}
    paging: dict[str, Any] = {"limit": LIMIT, "order": Order.DESCENDING, "cursor": None}
    given = [(name, value) for name, value in parameters if name in _PAGING]
    filters = [(name, value) for name, value in parameters if name not in _PAGING]
    for name, value in given:
        try:
            paging[name] = _PAGING[name](value)
        except ValueError as error:
            rules[name] = str(error)
    rules |= {name: "must not be given twice" for name, _ in given if _number(name, given) > 1}
    cursor: _Cursor | None = paging["cursor"]
    digest = _digest(filters, paging["order"])
    if cursor is not None and cursor.direction != _DIRECTIONS[paging["order"]]:
        rules["cursor"] = "is of another order"
    elif cursor is not None and cursor.digest != digest:
        rules["cursor"] = "is of other filters"
    elif cursor is not None:
        filters = [(name, cursor.period.get(name, value)) for name, value in filters]
    try:
        expression, period = read_filters(filters, now)
    except InvalidFilters as error:
        raise InvalidFilters({**error.rules, **rules}) from None
    if rules:
        raise InvalidFilters(rules)
    start = None if cursor is None else cursor.position
    return EventsQuery(expression, paging["order"], start, paging["limit"], period, digest)


@dataclass(frozen=True, slots=True)
class _Cursor:
    direction: str
    position: int
    digest: str | None
    period: Mapping[str, str]


def _cursor(text: str) -> _Cursor:
    """Raises ValueError where no page gave it."""
    match = _CURSOR.fullmatch(cursors.decode(text))
    if match is None or int(match[2]) > MAX_POSITION:
        raise ValueError("is no cursor that a page gave")
    times = zip(("since", "until"), match.groups()[3:], strict=True)
    period = {name: value for name, value in times if value not in {None, _NO_TIME}}
    return _Cursor(match[1], int(match[2]), match[3], period)


def _limit(text: str) -> int:
    limit = whole_number(text)
    if not 1 <= limit <= MAX_LIMIT:
        raise ValueError(f"must be 1 to {MAX_LIMIT}")
    return limit


def _order(text: str) -> Order:
    try:
        return Order(text)
    except ValueError:
        raise ValueError("must be `asc` or `desc`") from None


_PAGING: Final = {"limit": _limit, "order": _order, "cursor": _cursor}


def _number(name: str, given: Parameters) -> int:
    return sum(each == name for each, _ in given)


def _digest(filters: Parameters, order: Order) -> str | None:
    """Of all filters as they were given; None where there are none."""
    if not filters:
        return None
    fields = (f"{len(each)} {each}\n" for pair in sorted(filters) for each in pair)
    return hashlib.sha256(
        (order.value + "\n" + "".join(fields)).encode(errors="surrogatepass")
    ).hexdigest()[:32]
