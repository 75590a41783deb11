"""Routes of a browser's session: `POST /session` gives a cookie for a token, `DELETE` ends it."""

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service_kit.access.authenticator import BearerTokens, Unauthenticated, bearer_of
from service_kit.access.guard import unauthorized
from service_kit.access.session import SessionKind
from service_kit.access.token_cache import TokensUnavailable
from service_kit.http import request_body
from service_kit.http.blocking import never_blocks
from service_kit.http.no_content import no_content
from service_kit.http.problems import Problem, unavailable

MOST_BYTES: Final = 1000
FORM: Final = "application/x-www-form-urlencoded"
REFUSED: Final = "?session=refused"
"""Where a form with a token that does not hold is answered from."""


class SessionRequest(BaseModel):
    """The token, where it is not in `Authorization`."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=MOST_BYTES)


_DOC: Final[dict[str, Any]] = {
    "summary": "Exchange a token for a cookie",
    "description": "The token is in `Authorization: Bearer`, or in a form or JSON as `token`. A "
    "form is answered with 303 to `/`, with `?session=refused` where it does not hold. The session "
    "ends after 8 hours, or with its token.",
    "tags": ["Session"],
    "responses": {
        204: {"description": "The cookie is set", "content": {}},
        303: {"description": "The same, for a form", "content": {}},
        400: "There is no token in the body",
        401: "The token is none that holds",
        404: "Access is not controlled",
        413: "The body is longer than a token",
        503: "Which tokens there are cannot be found out at the moment",
    },
}


_END_DOC: Final[dict[str, Any]] = {
    "summary": "End the session",
    "tags": ["Session"],
    "responses": {204: {"description": "The cookie is deleted", "content": {}}},
}

_LEAVE_DOC: Final[dict[str, Any]] = {
    "summary": "End the session, for a form",
    "tags": ["Session"],
    "responses": {303: {"description": "The cookie is deleted; to `/`", "content": {}}},
}


def blueprint(tokens: BearerTokens | None, kind: SessionKind) -> APIBlueprint:
    """The routes; `tokens`: None where access is not controlled."""
    routes = APIBlueprint("session", __name__)

    @routes.post("/session")
    @routes.doc(**_DOC)
    @never_blocks
    def begin() -> Response:
        if tokens is None:
            raise Problem(HTTPStatus.NOT_FOUND, "access is not controlled: no session is needed")
        is_form = request.mimetype == FORM
        try:
            token = tokens.find(_given())
        except Unauthenticated as error:
            if is_form:
                return _see_other(REFUSED)
            raise unauthorized(str(error), 'error="invalid_token"') from None
        except TokensUnavailable:
            raise unavailable("the token cannot be looked up at the moment") from None
        response = _see_other() if is_form else no_content()
        kind.begin(response, token, secure=request.is_secure)
        return response

    @routes.delete("/session")
    @routes.doc(**_END_DOC)
    @never_blocks
    def end() -> Response:
        response = no_content()
        kind.end(response, secure=request.is_secure)
        return response

    @routes.post("/session/end")
    @routes.doc(**_LEAVE_DOC)
    @never_blocks
    def leave() -> Response:
        response = _see_other()
        kind.end(response, secure=request.is_secure)
        return response

    return routes


def _see_other(query: str = "") -> Response:
    """303 to a path, behind a proxy's prefix too: no host, which the client would have named."""
    location = f"{request.script_root}/{query}"
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": location})


def _given() -> str:
    """The token of the request. Raises Problem, Unauthenticated."""
    token = bearer_of(request.environ) or _in_body(request_body.read(MOST_BYTES))
    if token is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "there is no token")
    return token


def _in_body(body: bytes) -> str | None:
    if request.mimetype == FORM:
        return dict(parse_qsl(body.decode(errors="replace"))).get("token")
    try:
        return SessionRequest.model_validate_json(body).token
    except ValidationError:
        return None
