"""Requests with a JSON body, read strictly: bounded, of the right media type, unambiguous."""

import json
from http import HTTPStatus
from typing import Any, NoReturn, cast

from apiflask import APIFlask
from flask import Request, current_app, request

from service_kit import json_values
from service_kit.http import request_body
from service_kit.http.problems import Problem, invalid_input

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})


class _Ambiguous(ValueError):
    """Text that JSON does not define, or in two ways."""


class JsonRequest(Request):
    """A request whose `get_json` refuses what lenient readers guess at.

    Raises Problem: 415 for another media type, 413 over a limit, 400 for a body that is not JSON,
    has NaN or Infinity, or a member twice, 422 for one that is no object.
    """

    _body: bytes | Problem = b""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:  # noqa: FBT001, FBT002, ARG002 - the signature that it overrides
        """The body's object; the arguments, which would make it lenient, have no effect."""
        if self.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a body with a Content-Encoding is not read here"
            )
        accepted = {JSON, MERGE_PATCH} if self.method == "PATCH" else {JSON}
        if self.mimetype not in accepted:
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"the body must be {' or '.join(sorted(accepted))}",
            )
        content = self._content()
        _check_values(content, current_app.config["JSON_VALUES"])
        value = _decode(content)
        if not isinstance(value, dict):
            raise invalid_input([(None, "must be an object")])
        return value

    def prefetch(self) -> None:
        """Read the body; what is wrong with it is raised when it is asked for."""
        rule = self.url_rule
        if rule is None or rule.endpoint in current_app.config["READ_ELSEWHERE"]:
            return
        if self.method in _WITH_BODY:
            try:
                self._body = request_body.read(current_app.config["JSON_LIMIT"])
            except Problem as problem:
                self._body = problem

    def _content(self) -> bytes:
        if isinstance(self._body, Problem):
            raise self._body
        return self._body


def _prefetch() -> None:
    cast("JsonRequest", request).prefetch()


def register(app: APIFlask, limit: int, values: int, but: frozenset[str] = frozenset()) -> None:
    """Read every JSON body of `app` so, `limit` bytes and so many members and items at most.

    `but`: endpoints that read theirs themselves.
    """
    app.request_class = JsonRequest
    # A view may run where nobody waits for slow clients.
    app.before_request(_prefetch)
    app.config["JSON_LIMIT"] = limit
    app.config["READ_ELSEWHERE"] = but
    app.config["JSON_VALUES"] = values


def _check_values(content: bytes, limit: int) -> None:
    if json_values.are_more_than(limit, content):
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the body may have {limit} members and items at most, nested ones included",
            limit=limit,
        )


def _decode(content: bytes) -> Any:
    try:
        return json.loads(
            content.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except json.JSONDecodeError as error:
        reason = f"{error.msg.lower()} at character {error.pos}"
    except _Ambiguous as error:
        reason = str(error)
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError:
        reason = "it has a number of too many digits"
    raise Problem(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {reason}")


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise _Ambiguous("an object has a member twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise _Ambiguous(f"{name} is no JSON value")
