"""Problem documents (RFC 9457): the form of every error that a service answers with."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from apiflask import HTTPError
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
ERRORS_SHOWN = 100
INVALID_INPUT = "the input is not valid"

log = structlog.get_logger()


class Problem(Exception):
    """An answer that is an error: a status, a sentence, and members of its own.

    `detail` and the members are shown to the caller: they MUST NOT hold a secret, a path
    of this machine, SQL, or a traceback.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail or status.phrase)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.members = members


def unavailable(detail: str, *, retry_after: int = 1, **members: Any) -> Problem:
    """503 with `Retry-After` in seconds: nothing was done, and trying again is right."""
    headers = {"Retry-After": str(retry_after)}
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers, **members)


def invalid_input(rules: Iterable[tuple[str | None, str]]) -> Problem:
    """422 with each wrong member or parameter, None for the whole, and what is wrong with it."""
    errors = [_finding(name, rule) for name, rule in rules]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, INVALID_INPUT, errors=errors)


def response(problem: Problem) -> Response:
    """The problem as a document. Of more than 100 `errors` it has these and `error_count`."""
    members = problem.members
    errors = members.get("errors") or ()
    if len(errors) > ERRORS_SHOWN:
        members = {**members, "errors": errors[:ERRORS_SHOWN], "error_count": len(errors)}
    body = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        **members,
    }
    shown = {key: value for key, value in body.items() if value is not None}
    return Response(
        orjson.dumps(shown), problem.status.value, problem.headers, content_type=MEDIA_TYPE
    )


def register(app: Flask, problem_for: dict[type[Exception], Callable[[Any], Problem]]) -> None:
    """Turn what the domain raises into problems: the one place where that happens.

    `problem_for` maps a domain exception to the problem that it is; any other is a
    fault of ours, logged with its traceback and answered 500 without it.
    """
    for exception, to_problem in problem_for.items():
        app.register_error_handler(exception, _handler(to_problem))
    app.register_error_handler(Problem, response)
    app.register_error_handler(HTTPError, _invalid_input)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _fault)


def _handler(to_problem: Callable[[Any], Problem]) -> Callable[[Exception], Response]:
    return lambda error: response(to_problem(error))


def _invalid_input(error: HTTPError) -> Response:
    """The findings of input validation, with a JSON pointer (RFC 6901) to each wrong member."""
    errors = [
        _finding(None if field == "_schema" else field, message)
        for location in error.detail.values()
        if isinstance(location, dict)
        for field, messages in location.items()
        for message in messages
    ]
    return response(Problem(HTTPStatus(error.status_code), error.message, errors=errors or None))


def _finding(name: str | None, rule: str) -> dict[str, str]:
    # Before a rule of ours pydantic says what it is.
    return {"pointer": _pointer(name), "detail": rule.removeprefix("Value error, ")}


def _pointer(name: str | None) -> str:
    """The JSON pointer (RFC 6901) to a member, or to the whole."""
    return "" if name is None else "/" + name.replace("~", "~0").replace("/", "~1")


def _http_error(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or 500)
    headers = {
        name: value
        for name, value in error.get_headers(request.environ)
        if name.lower() not in {"content-type", "content-length"}
    }
    return response(Problem(status, headers=headers))


def _fault(error: Exception) -> Response:
    log.error("unexpected fault", exc_info=error)
    return response(Problem(HTTPStatus.INTERNAL_SERVER_ERROR))
