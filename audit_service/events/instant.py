"""Instants: an RFC 3339 timestamp as the moment it stands for, whatever its form."""

import re
from datetime import UTC, datetime

_PARTS = re.compile(r"(.{17})(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def instant(timestamp: str) -> str:
    """The same moment in UTC, without trailing zeros of the fraction.

    `timestamp` MUST be one of RFC 3339. All of its digits count, so it is no datetime; a
    leap second stays one. A moment outside of the years 1 to 9999 in UTC is kept as it is.
    """
    if timestamp[-1] == "Z" and timestamp[10] == "T":
        # As nearly all are written: a fifth of what the rest costs.
        return timestamp if "." not in timestamp else f"{timestamp[:-1].rstrip('0').rstrip('.')}Z"
    match = _PARTS.fullmatch(timestamp)
    if match is None:
        return timestamp
    minute, second, fraction, offset = match.groups()
    if offset not in {"Z", "z"}:
        try:
            local = datetime.fromisoformat(f"{minute}00{offset}".upper())
            minute = local.astimezone(UTC).isoformat()[:17]
        except (ValueError, OverflowError):
            return timestamp
    digits = (fraction or "").rstrip("0")
    return f"{minute.upper()}{second}{'.' if digits else ''}{digits}Z"
