"""Users over HTTP."""

import re
import unicodedata
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify, request, url_for
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from service_kit import requests_log
from service_kit.problems import Problem, unavailable
from user_service.admission import Admission
from user_service.recording import NotRecorded
from user_service.users import Context, PasswordTooShort, User, Users

BODY_BYTES = 64 * 1024
NAME_LENGTH, PASSWORD_LENGTH = 200, 1024

# Controls, line and paragraph separators, and halves of surrogate pairs, which JSON can spell
# and no database can keep.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _name(text: str) -> str:
    """The name as it is kept: trimmed, in Unicode's normal form C."""
    name = unicodedata.normalize("NFC", text.strip())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise ValueError(f"must have 1 to {NAME_LENGTH} characters, not counting space around it")
    if _UNFIT.search(name):
        raise ValueError("must not have control characters or lone surrogates")
    return name


class NewUser(BaseModel):
    """A user to be made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, AfterValidator(_name)] = Field(examples=["Ozzy Osbourne"])
    password: str = Field(min_length=1, max_length=PASSWORD_LENGTH, examples=["12345"])


class UserShown(BaseModel):
    """A user."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime


def blueprint(users: Users, admission: Admission, delivery_timeout: float) -> APIBlueprint:
    """The routes below `/v1/user`."""
    api = APIBlueprint("users", __name__, url_prefix="/v1/user")

    @api.post("")
    @api.input(NewUser, arg_name="wanted")
    @api.output(UserShown, status_code=201, description="The user; `Location` says where")
    @api.doc(summary="Make a user", tags=["Users"], responses=_CHANGE_RESPONSES)
    def create(wanted: NewUser) -> Response:
        with admission.admitted():
            user = users.create(wanted.name, wanted.password, _context(delivery_timeout))
        answer = _shown(user)
        answer.status_code = HTTPStatus.CREATED
        answer.headers["Location"] = url_for("users.get", user_id=user.id)
        return answer

    @api.get("/<user_id>")
    @api.output(UserShown, description="The user")
    @api.doc(
        summary="A user",
        tags=["Users"],
        responses={404: "There is none of that id", **_UNAVAILABLE},
    )
    def get(user_id: str) -> Response:
        return _shown(users.get(user_id))

    return api


def problem_of_absence(_: Exception) -> Problem:
    """404."""
    return Problem(HTTPStatus.NOT_FOUND, "there is no user of this id")


def problem_of_password(error: PasswordTooShort) -> Problem:
    """422."""
    errors = [{"pointer": "/password", "detail": str(error)}]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the input is not valid", errors=errors)


def problem_of_recording(error: NotRecorded) -> Problem:
    """500: the change was not made; `outcome` says what is known of its event."""
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the change was not made, since its event could not be delivered",
        outcome=error.outcome.value,
    )


def problem_of_load(_: Exception) -> Problem:
    """503."""
    return unavailable("too many changes are under way; nothing was done")


def problem_of_store(_: Exception) -> Problem:
    """503."""
    return unavailable("the database cannot be used at the moment")


_UNAVAILABLE = {503: "The database cannot be used at the moment"}
_CHANGE_RESPONSES: dict[int | str, Any] = {
    400: "The body is not JSON",
    413: f"The body is longer than {BODY_BYTES} bytes",
    415: "The body is of another media type",
    500: "The event was not delivered, so nothing was done; `outcome` is `not-delivered` or "
    "`unknown`: in the second case the sink may have an event of a change that was not made",
    503: "Too many changes are under way, or the database cannot be used; try again after "
    "`Retry-After` seconds",
}


def _context(delivery_timeout: float) -> Context:
    return Context(
        deadline=requests_log.started() + delivery_timeout,
        traceparent=request.headers.get("traceparent"),
    )


def _shown(user: User) -> Response:
    return jsonify(
        id=user.id,
        name=user.name,
        created_at=_rfc3339(user.created_at),
        updated_at=_rfc3339(user.updated_at),
    )


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
