"""Query parameters: each once, and whole numbers in digits alone."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

from flask import Flask, current_app, request
from pydantic import BeforeValidator
from werkzeug.datastructures import MultiDict

from service_kit.http.problems import invalid_input

_DIGITS = re.compile(r"-?[0-9]{1,18}", re.ASCII)


View = TypeVar("View", bound=Callable[..., Any])

TWICE: Final = "must not be given twice"
_REPEATABLE: Final = "_repeatable"


def _digits(value: Any) -> Any:
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise ValueError("must be a whole number")
    return value


WholeNumber = Annotated[int, BeforeValidator(_digits)]
"""An integer as a query has it: no `1_0`, `5.0` or space, which Python would take."""


def repeatable(view: View) -> View:
    """Mark a view that itself says which of its parameters may be given twice."""
    setattr(view, _REPEATABLE, True)
    return view


def repeated(parameters: MultiDict[str, str]) -> Sequence[str]:
    """Names of those that are given more than once."""
    return [name for name, values in parameters.lists() if len(values) > 1]


def register(app: Flask) -> None:
    """Refuse a parameter that is given twice: of two values no one knows which is meant."""
    app.before_request(_check_each_is_once)


def _check_each_is_once() -> None:
    if not request.environ.get("QUERY_STRING") or request.endpoint is None:
        return
    if hasattr(current_app.view_functions[request.endpoint], _REPEATABLE):
        return
    if names := repeated(request.args):
        raise invalid_input((name, TWICE) for name in names)
