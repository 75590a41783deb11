"""Filters: parameters of a query, as one expression.

Each is about one thing, and all of them hold. Of those that are repeated one of the positive
holds, and none of the negative.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from audit_service.events import Tolerance
from audit_service.events.attributes import is_name
from audit_service.search import moments, patterns, subscription_filter
from audit_service.search.contents import words_of
from audit_service.search.expressions import (
    All,
    Any,
    Clock,
    Conflicting,
    Expression,
    Field,
    FromKafka,
    Not,
    Period,
    Sender,
    Tolerated,
    Words,
)

ATTRIBUTES: Final = ("type", "source", "subject", "id")
SENDER: Final = "sender"
EXTENSION: Final = "ext."
DATA: Final = "data."
PERIOD: Final = ("since", "until", "by")
MOST: Final = 100
"""The most filters of a query, repeated ones included."""

Parameters = Sequence[tuple[str, str]]
"""Names and values, as they came."""


class InvalidFilters(Exception):
    """Parameters that are no filters: by name, the rule that each breaks."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {rule}" for name, rule in rules.items()))
        self.rules = rules


def read_filters(parameters: Parameters, now: int) -> tuple[Expression, Mapping[str, str]]:
    """The expression of all filters, and the period with relative times made absolute.

    `now`: microseconds since 1970, to which these are relative. Raises InvalidFilters.
    """
    rules: dict[str, str] = {}
    terms: dict[str, list[Expression]] = defaultdict(list)
    period: dict[str, str] = {}
    if len(parameters) > MOST:
        raise InvalidFilters({parameters[MOST][0]: f"is one more than the {MOST} that may be"})
    for name, value in parameters:
        try:
            if name in PERIOD:
                _check_is_first(name, period)
                period[name] = value if name == "by" else moments.absolute(value, now)
            else:
                term = _term(name, value, terms)
                terms[name].append(term)
        except ValueError as error:
            rules.setdefault(name, str(error))
    expressions = [_combined(each) for each in terms.values()]
    try:
        expressions += _period(period)
    except ValueError as error:
        rules["by"] = str(error)
    if rules:
        raise InvalidFilters(rules)
    return All(tuple(expressions)), period


def _term(name: str, value: str, before: Mapping[str, object]) -> Expression:
    if name in _ONCE:
        _check_is_first(name, before)
        return _ONCE[name](value)
    if name in ATTRIBUTES:
        return patterns.attribute(name, value)
    if name == SENDER:
        return patterns.compared(Sender, value)
    if name.startswith(EXTENSION):
        return patterns.attribute(extension_of(name), value)
    if name.startswith(DATA):
        return Field(patterns.path(name.removeprefix(DATA)), value)
    raise ValueError("is no parameter of this query")


def _check_is_first(name: str, before: Mapping[str, object]) -> None:
    if name in before:
        raise ValueError("must not be given twice")


def extension_of(name: str) -> str:
    """The attribute that `ext.NAME` names. Raises ValueError."""
    extension = name.removeprefix(EXTENSION)
    if not name.startswith(EXTENSION) or not is_name(extension):
        raise ValueError("must name an extension: ext.NAME, of letters and digits")
    return extension


def _words(value: str) -> Expression:
    words = frozenset(words_of(value))
    if not words:
        raise ValueError("must have a word, of letters or digits")
    return Words(words)


def _conflicts(value: str) -> Expression:
    if value not in {"true", "false"}:
        raise ValueError("must be `true` or `false`")
    return Conflicting() if value == "true" else Not(Conflicting())


def _transport(value: str) -> Expression:
    if value not in {"http", "kafka"}:
        raise ValueError("must be `http` or `kafka`")
    return FromKafka() if value == "kafka" else Not(FromKafka())


def _tolerated(value: str) -> Expression:
    try:
        return Tolerated(Tolerance(value))
    except ValueError:
        raise ValueError(f"must be one of {', '.join(Tolerance)}") from None


def _combined(terms: Sequence[Expression]) -> Expression:
    positive = tuple(term for term in terms if not isinstance(term, Not))
    negative = tuple(term for term in terms if isinstance(term, Not))
    if len(positive) > 1:
        positive = (Any(positive),)
    parts = positive + negative
    return parts[0] if len(parts) == 1 else All(parts)


def _period(given: Mapping[str, str]) -> Sequence[Expression]:
    by = given.get("by", Clock.ARRIVAL.value)
    if by not in [clock.value for clock in Clock]:
        raise ValueError("must be `arrival` or `time`")
    since, until = (
        moments.moment(given[name]) if name in given else None for name in ("since", "until")
    )
    return [] if since is until is None else [Period(since, until, Clock(by))]


_ONCE: Final[Mapping[str, Callable[[str], Expression]]] = {
    "q": _words,
    "conflicts": _conflicts,
    "transport": _transport,
    "tolerated": _tolerated,
    "filter": subscription_filter.parse,
}

ONCE: Final = (*PERIOD, *_ONCE)
"""Those of which there is one at most."""
NAMES: Final = (*ATTRIBUTES, SENDER, *ONCE)
"""Of all filters but `ext.NAME` and `data.PATH`."""


def is_filter(name: str) -> bool:
    """Whether a parameter of that name is a filter."""
    return name in NAMES or name.startswith((EXTENSION, DATA))
