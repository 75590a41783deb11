"""Moments, to any number of digits, in an order."""

from audit_service.events.attributes import is_timestamp
from audit_service.events.instant import instant
from service_kit.clock import duration_of, from_microseconds, rfc3339

Moment = tuple[str, str]
"""A moment in UTC to the second, and the digits after it: such tuples have the order of time."""


def moment(timestamp: str) -> Moment:
    """The moment of a timestamp of RFC 3339."""
    second, _, fraction = instant(timestamp).rstrip("Z").partition(".")
    return second, fraction


def moment_of(microseconds: int) -> Moment:
    """The moment that microseconds since 1970 stand for."""
    return moment(rfc3339(from_microseconds(microseconds)))


def absolute(text: str, now: int) -> str:
    """A timestamp of RFC 3339: the text itself, or `-15m` before `now` (microseconds since 1970).

    Units: s, m, h, d. Raises ValueError where it is neither.
    """
    ago = duration_of(text[1:]) if text.startswith("-") else None
    if ago is not None:
        try:
            return rfc3339(from_microseconds(now) - ago)
        except OverflowError:
            raise ValueError("is before the year 1") from None
    if not is_timestamp(text):
        raise ValueError("must be a time of RFC 3339, or relative, as -15m, -2h or -7d")
    return text
