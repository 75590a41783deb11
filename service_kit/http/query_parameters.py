"""Query parameters: each once, and whole numbers in digits alone."""

import re
from http import HTTPStatus
from typing import Annotated, Any

from flask import Flask, request
from pydantic import BeforeValidator

from service_kit.http.problems import Problem

_DIGITS = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def _digits(value: Any) -> Any:
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise ValueError("must be a whole number")
    return value


WholeNumber = Annotated[int, BeforeValidator(_digits)]
"""An integer as a query has it: no `1_0`, `5.0` or space, which Python would take."""


def register(app: Flask) -> None:
    """Refuse a parameter that is given twice: of two values no one knows which is meant."""
    app.before_request(_check_each_is_once)


def _check_each_is_once() -> None:
    if not request.environ.get("QUERY_STRING") or request.endpoint is None:
        return
    errors = [
        {"pointer": f"/{name}", "detail": "must not be given twice"}
        for name, values in request.args.lists()
        if len(values) > 1
    ]
    if errors:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the input is not valid", errors=errors)
