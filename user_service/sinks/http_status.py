"""HTTP statuses: status → fault, the one table; and Retry-After."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from service_kit.clock import now
from user_service.sinks.sink import Fault

_UNAVAILABLE = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_REFUSED = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
_OF_ONE_THAT_KNOWS_NO_BATCHES = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.NOT_IMPLEMENTED,
}


def fault_of(status: int, *, of_batch: bool = False) -> Fault:
    """Whose fault an answer other than 2xx is. A batch's 415: batches are not supported."""
    if of_batch and status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return Fault.NO_BATCHES
    if status in _REFUSED:
        return Fault.REFUSED
    if status == HTTPStatus.CONFLICT:
        return Fault.CONFLICT
    if status in _UNAVAILABLE or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Fault.UNAVAILABLE
    return Fault.MISCONFIGURED


def perhaps_no_batches(status: int) -> bool:
    """Whether a receiver that knows no batches, and takes one for an event, answers so."""
    return status in _OF_ONE_THAT_KNOWS_NO_BATCHES


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for, in either form (RFC 9110, section 10.2.3).

    A date is counted from the answer's own `Date`: this machine's clock may be wrong.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    moment = _moment(value)
    if moment is None:
        return None
    since = _moment(headers.get("Date", "")) or now()
    return max(0.0, (moment - since).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
