"""OpenAPI: descriptions of each route beside the schemas that the code validates with."""

from typing import Any

from pydantic import BaseModel

from service_kit.http.json_request import JSON, MERGE_PATCH
from user_service.api.schemas import CreateUserRequest, UpdateUserRequest

_UNAVAILABLE = {503: "The database cannot be used at the moment"}
_ABSENT = {404: "There is no user of that id"}
_BODY = {
    400: "The body is not JSON, or a header is malformed",
    413: "The body is longer than is accepted",
    415: "The body is of another media type",
}
_CHANGE = {
    409: "Another change of the same user, or with the same key, is under way; nothing was "
    "done, try again after `Retry-After` seconds",
    500: "The event was not acknowledged, or the change could not be stored. `outcome` is "
    "`not-delivered`: the change never happens; or `unknown`: it may still happen, once, while "
    "of a creation without `Idempotency-Key` it did not; `detail` says which",
    503: "Too many changes are under way, the disk is full, or the database cannot be used; try "
    "again after `Retry-After` seconds",
}
_PRECONDITION = {412: "The user is at another version than `If-Match` names"}


def _header(name: str, description: str, **schema: str) -> dict[str, Any]:
    return {
        "in": "header",
        "name": name,
        "required": False,
        "description": description,
        "schema": {"type": "string", **schema},
    }


def _empty(description: str) -> dict[str, Any]:
    """A response without a body; APIFlask gives a bare description one of JSON."""
    return {"description": description, "content": {}}


def _body(model: type[BaseModel], *media_types: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
    return {"required": True, "content": dict.fromkeys(media_types, schema)}


_IF_MATCH = _header("If-Match", "Change only the version of this `ETag`")
_KEY = _header(
    "Idempotency-Key",
    "Names the request: a repeat of it makes no second user",
    pattern=r'^("[!#-\[\]-~ ]{1,253}"|[!#-~]{1,255})$',
)

CREATE: dict[str, Any] = {
    "summary": "Make a user",
    "tags": ["Users"],
    "responses": {**_BODY, **_CHANGE},
    "extensions": {
        "parameters": [_KEY],
        "requestBody": _body(CreateUserRequest, JSON),
    },
}
LIST: dict[str, Any] = {
    "summary": "Users, in the order of their creation",
    "tags": ["Users"],
    "responses": _UNAVAILABLE,
}
GET: dict[str, Any] = {
    "summary": "A user",
    "tags": ["Users"],
    "responses": {304: _empty("The version that `If-None-Match` names"), **_ABSENT, **_UNAVAILABLE},
    "extensions": {"parameters": [_header("If-None-Match", "Answer 304 where the `ETag` is this")]},
}
CHANGE: dict[str, Any] = {
    "summary": "Change a user (JSON Merge Patch)",
    "tags": ["Users"],
    "responses": {**_BODY, **_ABSENT, **_PRECONDITION, **_CHANGE},
    "extensions": {
        "parameters": [_IF_MATCH],
        "requestBody": _body(UpdateUserRequest, JSON, MERGE_PATCH),
    },
}
DELETE: dict[str, Any] = {
    "summary": "Delete a user",
    "tags": ["Users"],
    "responses": {
        204: _empty("There is no such user from now on"),
        **_ABSENT,
        **_PRECONDITION,
        **_CHANGE,
    },
    "extensions": {"parameters": [_IF_MATCH]},
}
