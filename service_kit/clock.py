"""Time of day in UTC, to the microsecond, as databases keep it and responses show it; durations."""

import re
import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def now_in_microseconds() -> int:
    """The present moment in microseconds since 1970."""
    return time.time_ns() // 1000


def to_microseconds(moment: datetime) -> int:
    """The moment in microseconds since 1970. Exact, which a float of seconds is not."""
    return (moment - _EPOCH) // _MICROSECOND


def duration_of(text: str) -> timedelta | None:
    """The duration of a number of seconds, minutes, hours or days: `15m`; None of other text."""
    match = _DURATION.fullmatch(text)
    return None if match is None else timedelta(**{_UNITS[match[2]]: int(match[1])})


def in_microseconds(duration: timedelta) -> int:
    """The duration in microseconds, exact likewise."""
    return duration // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """The moment that microseconds since 1970 stand for."""
    return _EPOCH + microseconds * _MICROSECOND


def rfc3339(moment: datetime) -> str:
    """The moment as text of RFC 3339, with all of its six digits."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
