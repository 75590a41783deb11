"""Query of filters with parameters of its own, each of them once at most."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from audit_service.search import Expression, InvalidFilters, read_filters
from service_kit.http.query_parameters import TWICE

Read = Callable[[str], Any]
"""The value of a parameter's text. Raises ValueError."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """The expression of the filters, their period (see `read_filters`), and the other parameters
    that were given.
    """

    expression: Expression
    period: Mapping[str, str]
    own: Mapping[str, Any]


def read(parameters: MultiDict[str, str], now: int, own: Mapping[str, Read]) -> Filtered:
    """What these parameters are, of which `own` are no filters. `now`: see `read_filters`.

    Raises InvalidFilters, which names each that is wrong.
    """
    rules: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name, value_of in own.items():
        given = parameters.getlist(name)
        if len(given) > 1:
            rules[name] = TWICE
        elif given:
            try:
                found[name] = value_of(given[0])
            except ValueError as error:
                rules[name] = str(error)
    filters = [pair for pair in parameters.items(multi=True) if pair[0] not in own]
    try:
        expression, period = read_filters(filters, now)
    except InvalidFilters as error:
        raise InvalidFilters({**error.rules, **rules}) from None
    if rules:
        raise InvalidFilters(rules)
    return Filtered(expression, period, found)


def one_of(choices: Mapping[str, Any]) -> Read:
    """What reads one of these texts as what it stands for."""

    def value_of(text: str) -> Any:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return choices[text]

    return value_of
