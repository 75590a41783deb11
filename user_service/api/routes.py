"""Routes of the users, `/v1/user`."""

import uuid
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from apiflask import APIBlueprint
from flask import Response, jsonify, request, url_for

from service_kit.access.guard import still_may
from service_kit.access.principal import current
from service_kit.clock import rfc3339
from service_kit.http import request_log
from service_kit.http.blocking import reads_much
from service_kit.http.no_content import no_content
from service_kit.http.request_head import repeated_headers
from user_service.api import idempotency_header
from user_service.api.admission import Admission
from user_service.api.openapi import CHANGE, CREATE, DELETE, GET, LIST
from user_service.api.schemas import (
    CreateUserRequest,
    UpdateUserRequest,
    UserResponse,
    UsersPage,
    UsersQuery,
    decode_cursor,
    encode_cursor,
)
from user_service.store.users import UserReader, sort_key
from user_service.users.domain import (
    ChangeContext,
    Precondition,
    PreconditionFailed,
    User,
    UserPatch,
)
from user_service.users.service import Users

BODY_BYTES = 64 * 1024
BODY_VALUES = 1000

_WEAK = "a weak tag matches no If-Match (RFC 9110, 13.1.1); a proxy may have made it weak"


def blueprint(
    users: Users, reader: UserReader, admission: Admission, delivery_timeout: float
) -> APIBlueprint:
    """The routes below `/v1/user`."""
    api = APIBlueprint("users", __name__, url_prefix="/v1/user")

    def admitted(context: ChangeContext) -> AbstractContextManager[None]:
        """A place for a change, which MUST leave the sink half of the time."""
        return admission.admitted(context.deadline - delivery_timeout / 2)

    @api.post("")
    @api.input(CreateUserRequest, arg_name="body")
    @api.output(UserResponse, status_code=201, description="The user; `Location` says where")
    @api.doc(**CREATE)
    def create(body: CreateUserRequest) -> Response:
        context = _context(delivery_timeout)
        with admitted(context):
            user = users.create(body.name, body.password, context)
        response = _response(user)
        response.status_code = HTTPStatus.CREATED
        response.headers["Location"] = url_for("users.get", user_id=user.id)
        return response

    @api.get("")
    @api.input(UsersQuery, location="query", arg_name="query")
    @api.output(UsersPage, description="A page; `Link` says where the next one is")
    @api.doc(**LIST)
    @reads_much
    def list_users(query: UsersQuery) -> Response:
        after = None if query.cursor is None else decode_cursor(query.cursor)
        page = reader.page(after, query.limit, query.name)
        following = encode_cursor(sort_key(page.users[-1])) if page.more else None
        response = jsonify(items=[_json(user) for user in page.users], next=following)
        if following is not None:
            parameters = urlencode(
                {"limit": query.limit, "cursor": following}
                | ({"name": query.name} if query.name else {})
            )
            response.headers["Link"] = f'<{url_for("users.list_users")}?{parameters}>; rel="next"'
        return response

    @api.get("/<uuid:user_id>")
    @api.output(UserResponse, description="The user; `ETag` is their version")
    @api.doc(**GET)
    def get(user_id: uuid.UUID) -> Response:
        user = users.get(str(user_id))
        if "If-Match" in request.headers and not _precondition()(user.version):
            raise PreconditionFailed
        response = _response(user)
        # Without If-Match, which is judged above: Werkzeug takes its `*` for a version.
        environ = {key: request.environ[key] for key in request.environ if key != "HTTP_IF_MATCH"}
        response.make_conditional(environ)
        return response

    @api.patch("/<uuid:user_id>")
    @api.input(UpdateUserRequest, arg_name="body")
    @api.output(UserResponse, description="The user as they are now")
    @api.doc(**CHANGE)
    def change(user_id: uuid.UUID, body: UpdateUserRequest) -> Response:
        patch = UserPatch(**body.model_dump(exclude_unset=True))
        context = _context(delivery_timeout)
        with admitted(context):
            user = users.update(str(user_id), patch, context, _precondition())
        return _response(user)

    @api.delete("/<uuid:user_id>")
    @api.doc(**DELETE)
    def delete(user_id: uuid.UUID) -> Response:
        context = _context(delivery_timeout)
        with admitted(context):
            users.delete(str(user_id), context, _precondition())
        return no_content()

    return api


def _idempotency_key() -> str | None:
    if "idempotency-key" in repeated_headers(request.environ):
        raise idempotency_header.InvalidKey
    return idempotency_header.parse(request.headers.get("Idempotency-Key"))


def _context(delivery_timeout: float) -> ChangeContext:
    principal = current()
    # The body may have come slowly.
    still_may(principal)
    return ChangeContext(
        deadline=request_log.started() + delivery_timeout,
        traceparent=request.headers.get("traceparent"),
        idempotency_key=_idempotency_key(),
        principal=principal.name,
    )


def _precondition() -> Precondition:
    """Precondition of `If-Match` and `If-None-Match` (RFC 9110, 13.1); without them none fails."""
    if_match = request.if_match if "If-Match" in request.headers else None
    if_none_match = request.if_none_match if "If-None-Match" in request.headers else None

    def accepts(version: int) -> bool:
        tag = str(version)
        if if_match is not None and not if_match.contains(tag):
            if if_match.contains_weak(tag):
                raise PreconditionFailed(_WEAK)
            return False
        return if_none_match is None or not if_none_match.contains_weak(tag)

    return accepts


def _response(user: User) -> Response:
    response = jsonify(_json(user))
    response.set_etag(str(user.version))
    return response


def _json(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "created_at": rfc3339(user.created_at),
        "updated_at": rfc3339(user.updated_at),
    }
