"""View: what a URL of the page asks for, and the URLs that lead from there to others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from audit_service.api import events_query
from audit_service.api.events_query import MAX_POSITION, EventsQuery
from audit_service.page import search_text
from audit_service.page.columns import Column, column
from audit_service.search import InvalidFilters
from audit_service.search.filters import ONCE

Choice = TypeVar("Choice", bound=StrEnum)
Pair = tuple[str, str]
MOST_COLUMNS: Final = 10
ROWS: Final = "50"
"""Of a page without scripts; with them they are only what is seen first."""


class Stacking(StrEnum):
    """What the histogram tells apart."""

    TYPE = "type"
    SOURCE = "source"


class Times(StrEnum):
    """How times are shown, once a script shows them: before it is UTC."""

    LOCAL = "local"
    UTC = "utc"
    RELATIVE = "relative"


_SHOW, _COLUMN, _GROUP, _TIMES, _CURSOR = "show", "column", "group", "times", "cursor"
_SEARCH: Final = "search"
SESSION: Final = "session"
"""What became of a form that asked for one."""
OWN: Final = (_SHOW, _COLUMN, _GROUP, _TIMES)
"""Parameters of a view beside filters and the cursor."""


@dataclass(frozen=True, slots=True)
class Links:
    """Filters and what else there is of a view's URL."""

    filters: tuple[Pair, ...]
    own: tuple[Pair, ...]

    def all(self) -> str:
        """Its own URL, relative to the page: a query."""
        return query_of(self.filters + self.own)

    def only(self, name: str, value: str) -> str:
        """With one filter more; an event that is shown stays so."""
        pair = (name, value)
        is_once = name in ONCE
        rest = (each for each in self.filters if (each[0] != name if is_once else each != pair))
        return query_of((*rest, pair, *self.own))

    def without(self, pair: Pair) -> str:
        """With one filter less."""
        return query_of((*(each for each in self.filters if each != pair), *self.own))

    def set(self, name: str, value: str | None) -> str:
        """With another value of what is there once at most; None: without it."""
        filters = [each for each in self.filters if each[0] != name]
        own = [each for each in self.own if each[0] != name]
        if value is not None:
            (own if name in (*OWN, _CURSOR) else filters).append((name, value))
        return query_of((*filters, *own))

    def without_column(self, name: str) -> str:
        """With one column less."""
        return query_of((*self.filters, *(each for each in self.own if each != (_COLUMN, name))))

    def period(self, since: str | None) -> str:
        """Of the time from then on; None: of all."""
        rest = tuple(each for each in self.filters if each[0] not in {"since", "until", "by"})
        return query_of((*rest, *([("since", since)] if since else []), *self.own))

    def exported(self, kind: str) -> str:
        """The query of an export of what is filtered."""
        return query_of((*self.filters, ("format", kind)))


@dataclass(frozen=True, slots=True)
class View:
    """What is asked for, and how it is to be looked at. `show`: the position of an event beside the
    list; `text`: of the search bar; `errors`: of filters that are none, by their names.
    """

    asked: EventsQuery | None
    links: Links
    columns: Sequence[Column]
    group: Stacking
    times: Times
    show: int | None
    text: str
    errors: tuple[Pair, ...] = ()

    @property
    def filters(self) -> tuple[Pair, ...]:
        """As they were given."""
        return self.links.filters


def read(parameters: MultiDict[str, str], now: int) -> View:
    """The view of these parameters. `now`: see `read_filters`. Never raises: what is wrong is said
    in its errors.
    """
    pairs = tuple(parameters.items(multi=True))
    own = tuple(each for each in pairs if each[0] in OWN)
    filters = tuple(each for each in pairs if each[0] not in (*OWN, _CURSOR, _SEARCH, SESSION))
    errors: dict[str, str] = {}
    view = View(
        None,
        Links(filters, own),
        _columns(parameters, errors),
        *(
            _choice(Stacking, parameters, _GROUP, errors),
            _choice(Times, parameters, _TIMES, errors),
        ),
        _position(parameters, errors),
        search_text.written(filters),
    )
    try:
        paging = [(_CURSOR, each) for each in parameters.getlist(_CURSOR)]
        asked = events_query.read(MultiDict([*filters, *paging, ("limit", ROWS)]), now)
    except InvalidFilters as error:
        return replace(view, errors=(*error.rules.items(), *errors.items()))
    return replace(view, asked=asked, errors=tuple(errors.items()))


def searched(parameters: MultiDict[str, str]) -> str | None:
    """The query of the view that a text of the search bar asks for; None where there is none.

    Raises ValueError.
    """
    text = parameters.get(_SEARCH)
    if text is None:
        return None
    own = [each for each in parameters.items(multi=True) if each[0] in OWN]
    return query_of((*search_text.parse(text), *own))


def query_of(pairs: Sequence[Pair]) -> str:
    """The query of a URL, with its question mark; empty where there is none."""
    return f"?{urlencode(pairs)}" if pairs else ""


def _columns(parameters: MultiDict[str, str], errors: dict[str, str]) -> Sequence[Column]:
    found = []
    for name in parameters.getlist(_COLUMN)[:MOST_COLUMNS]:
        try:
            found.append(column(name))
        except ValueError as error:
            errors[f"{_COLUMN}={name}"] = str(error)
    return found


def _choice(
    kind: type[Choice], parameters: MultiDict[str, str], name: str, errors: dict[str, str]
) -> Choice:
    """The value that was chosen, the first where none was."""
    default = next(iter(kind))
    try:
        return kind(parameters.get(name, default))
    except ValueError:
        errors[name] = f"must be one of {', '.join(kind)}"
        return default


def _position(parameters: MultiDict[str, str], errors: dict[str, str]) -> int | None:
    text = parameters.get(_SHOW)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < len(str(MAX_POSITION))):
        errors[_SHOW] = "must be a position"
        return None
    return int(text)
