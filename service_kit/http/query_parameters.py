"""Query parameters: each once, and whole numbers in digits alone."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from flask import Flask, current_app, request
from pydantic import BeforeValidator

from service_kit.http.problems import Problem

_DIGITS = re.compile(r"-?[0-9]{1,18}", re.ASCII)


View = TypeVar("View", bound=Callable[..., Any])

_REPEATABLE = "_repeatable"


def whole_number(text: str) -> int:
    """The number that is written in digits alone. Raises ValueError."""
    if not _DIGITS.fullmatch(text):
        raise ValueError("must be a whole number")
    return int(text)


def _digits(value: Any) -> Any:
    return whole_number(value) if isinstance(value, str) else value


WholeNumber = Annotated[int, BeforeValidator(_digits)]
"""An integer as a query has it: no `1_0`, `5.0` or space, which Python would take."""


def repeatable(view: View) -> View:
    """Mark a view that itself says which of its parameters may be given twice."""
    setattr(view, _REPEATABLE, True)
    return view


def register(app: Flask) -> None:
    """Refuse a parameter that is given twice: of two values no one knows which is meant."""
    app.before_request(_check_each_is_once)


def _check_each_is_once() -> None:
    if not request.environ.get("QUERY_STRING") or request.endpoint is None:
        return
    if hasattr(current_app.view_functions[request.endpoint], _REPEATABLE):
        return
    errors = [
        {"pointer": f"/{name}", "detail": "must not be given twice"}
        for name, values in request.args.lists()
        if len(values) > 1
    ]
    if errors:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the input is not valid", errors=errors)
