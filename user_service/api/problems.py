"""Problems: the RFC 9457 document of each exception of this service."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog

from service_kit.http.problems import Problem, invalid_input, unavailable
from user_service.api.admission import Busy
from user_service.api.idempotency_header import MAX_LENGTH, InvalidKey
from user_service.delivery.direct import ChangeNotMade, Prospect
from user_service.store.outbox import OutboxFull
from user_service.store.transactions import DiskFull, StoreUnavailable
from user_service.users.domain import (
    ConcurrentChange,
    IdempotencyKeyReused,
    PreconditionFailed,
    UserNotFound,
)
from user_service.users.hashing_places import HashingBusy
from user_service.users.passwords import PasswordTooShort

log = structlog.get_logger()


def _absence(_: UserNotFound) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "there is no user of this id")


def _short_password(error: PasswordTooShort) -> Problem:
    return invalid_input([("password", str(error))])


def _other_version(error: PreconditionFailed) -> Problem:
    return Problem(HTTPStatus.PRECONDITION_FAILED, str(error) or "the user is at another version")


def _under_way(_: ConcurrentChange) -> Problem:
    return Problem(
        HTTPStatus.CONFLICT,
        "a change of the same user, or with the same key, is or was just under way; "
        "nothing was done",
        headers={"Retry-After": "1"},
    )


def _reused_key(_: IdempotencyKeyReused) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "the Idempotency-Key was used for another request"
    )


def _invalid_key(_: InvalidKey) -> Problem:
    return Problem(
        HTTPStatus.BAD_REQUEST,
        f"there may be one Idempotency-Key, of 1 to {MAX_LENGTH} printable ASCII characters",
    )


_PROSPECTS = {
    Prospect.NEVER: "the change was not made and never will be: its event was not delivered",
    Prospect.LATER: "the change may still be made, or have been, once: it is not known yet whether "
    "its event was delivered",
    Prospect.WITHDRAWN: "the user was not made and never will be: an event of it that was "
    "delivered is withdrawn by one of its deletion",
    Prospect.UNCONFIRMED: "the event was delivered, and the user may have been made: the database "
    "failed while it was stored",
}


def _not_made(error: ChangeNotMade) -> Problem:
    """A 500 with the outcome of the event: not-delivered, or unknown."""
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        _PROSPECTS[error.prospect],
        outcome=error.outcome.value,
    )


def _load(_: Exception) -> Problem:
    return unavailable("too many changes are under way; nothing was done")


def _full(_: OutboxFull) -> Problem:
    return unavailable("too many events wait to be delivered; nothing was done", retry_after=5)


def _no_room(_: DiskFull) -> Problem:
    """Logged where it is noticed, once, and not with each request."""
    return unavailable("the disk is full up to its reserve; nothing was done", retry_after=5)


def _no_database(error: StoreUnavailable) -> Problem:
    log.error("the database is unavailable", reason=str(error))
    return unavailable("the database cannot be used at the moment")


PROBLEM_FOR: dict[type[Exception], Callable[[Any], Problem]] = {
    Busy: _load,
    ConcurrentChange: _under_way,
    HashingBusy: _load,
    InvalidKey: _invalid_key,
    IdempotencyKeyReused: _reused_key,
    UserNotFound: _absence,
    ChangeNotMade: _not_made,
    DiskFull: _no_room,
    OutboxFull: _full,
    PasswordTooShort: _short_password,
    PreconditionFailed: _other_version,
    StoreUnavailable: _no_database,
}
