"""Query of events as it comes in a URL: filters, an order, a page; a cursor is bound to them."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from werkzeug.datastructures import MultiDict

from audit_service.search import Expression, InvalidFilters, Order, read_filters
from audit_service.search.filters import Parameters
from service_kit.http import cursors
from service_kit.http.query_parameters import TWICE, WholeNumber, repeated

MAX_POSITION: Final = 2**63 - 1
MAX_LIMIT: Final = 1000
LIMIT: Final = 100
MAX_WAIT: Final = 30

_CURSOR = re.compile(r"(before(?!:0)|after):([0-9]{1,19})(?: ([0-9a-f]{32}) (\S+) (\S+))?")
_DIRECTIONS: Final = {Order.DESCENDING: "before", Order.ASCENDING: "after"}
_NO_TIME: Final = "-"


@dataclass(frozen=True, slots=True)
class EventsQuery:
    """What is asked for: at most `limit` events for which `expression` holds, beyond `start`.

    `period`: of its filters, with relative times as they were on the first page. `counts`: all that
    match, too; `wait`: so many seconds for the first, where there is none.
    """

    expression: Expression
    order: Order
    start: int | None
    limit: int
    period: Mapping[str, str]
    counts: bool
    wait: int
    _digest: str | None

    def cursor_at(self, position: int) -> str:
        """The cursor that goes on beyond a position."""
        text = f"{_DIRECTIONS[self.order]}:{position}"
        if self._digest is not None:
            times = (self.period.get(name, _NO_TIME) for name in ("since", "until"))
            text += f" {self._digest} {' '.join(times)}"
        return cursors.encode(text)


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


def _truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("must be `true` or `false`")
    return text == "true"


class _Paging(BaseModel):
    """What is asked for beside filters."""

    limit: WholeNumber = Field(default=LIMIT, ge=1, le=MAX_LIMIT)
    order: Order = Order.DESCENDING
    cursor: Annotated[_Cursor | None, BeforeValidator(_cursor)] = None
    count: Annotated[bool, BeforeValidator(_truth)] = False
    wait: WholeNumber = Field(default=0, ge=0, le=MAX_WAIT)


def read(parameters: MultiDict[str, str], now: int) -> EventsQuery:
    """The query of these parameters. `now`: see `read_filters`.

    Raises InvalidFilters, which names each that is wrong.
    """
    given = MultiDict(pair for pair in parameters.items(multi=True) if pair[0] in _PAGING)
    filters = [pair for pair in parameters.items(multi=True) if pair[0] not in _PAGING]
    rules = dict.fromkeys(repeated(given), TWICE)
    paging = _Paging()
    try:
        paging = _Paging.model_validate(given.to_dict())
    except ValidationError as error:
        rules |= {str(each["loc"][0]): each["msg"] for each in error.errors()}
    if paging.wait and paging.order is not Order.ASCENDING:
        rules["wait"] = "must be with `order=asc`"
    digest = _digest(filters, paging.order)
    period: Mapping[str, str] = {}
    start = None
    if paging.cursor is not None:
        period, start = paging.cursor.period, paging.cursor.position
        if mismatch := _mismatch(paging.cursor, paging.order, digest):
            rules["cursor"] = mismatch
    filters = [(name, period.get(name, value)) for name, value in filters]
    try:
        expression, period = read_filters(filters, now)
    except InvalidFilters as error:
        raise InvalidFilters({**error.rules, **rules}) from None
    if rules:
        raise InvalidFilters(rules)
    return EventsQuery(
        expression, paging.order, start, paging.limit, period, paging.count, paging.wait, digest
    )


_PAGING: Final = frozenset(_Paging.model_fields)


def _mismatch(cursor: _Cursor, order: Order, digest: str | None) -> str | None:
    """What is wrong with a cursor in a query of that order and those filters, if anything."""
    if cursor.direction != _DIRECTIONS[order]:
        return "is of another order"
    return None if cursor.digest == digest else "is of other filters"


def _digest(filters: Parameters, order: Order) -> str | None:
    """Of all filters as they were given; None where there are none."""
    if not filters:
        return None
    fields = (f"{len(each)} {each}\n" for pair in sorted(filters) for each in pair)
    return hashlib.sha256(
        (order.value + "\n" + "".join(fields)).encode(errors="surrogatepass")
    ).hexdigest()[:32]
