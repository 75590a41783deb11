"""Rules for context attributes (specification 1.0.2, "Context Attributes"; 0.3 likewise)."""

import calendar
import re
from collections.abc import Mapping
from typing import Any, Final

from rfc3986_validator import validate_rfc3986

from audit_service.events import media_types
from audit_service.events.bounded_cache import bounded_cache
from audit_service.events.event import EventRejected, Rule, Value
from audit_service.events.tolerance import Leniency, Tolerance

REQUIRED: Final = ("id", "source", "specversion", "type")
VERSIONS: Final = ("1.0", "0.3")
INTEGER_MIN, INTEGER_MAX = -(2**31), 2**31 - 1

_NAME = re.compile(r"[a-z0-9]+")
_TOLERABLE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_RESERVED = {"data"}
# A longer name is not repeated in a response.
_MAX_SHOWN = 64
# Control characters, surrogates and noncharacters (Type System, String).
_DISALLOWED = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
    + "]"
)
# Second 60 is a leap second, which RFC 3339 allows.
_TIME = re.compile(
    r"(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?"
    r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
# What every month has.
_SHORTEST_MONTH = 28
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def check(attributes: Mapping[str, Any], leniency: Leniency) -> Mapping[str, Value]:
    """The attributes, where each keeps the rules for its name.

    Raises EventRejected, which names the first that does not.
    """
    for name in REQUIRED:
        if name not in attributes:
            raise EventRejected(name, "is required and absent", Rule.REQUIRED)
    if attributes["specversion"] not in VERSIONS:
        raise EventRejected(
            "specversion", "is not one that is read here: " + ", ".join(VERSIONS), Rule.SPECVERSION
        )
    rules = _RULES_V1 if attributes["specversion"] == "1.0" else _RULES_V03
    for name, value in attributes.items():
        rule = rules.get(name)
        if rule is None:
            check_name(name, leniency)
            _check_value(name, value)
            continue
        if type(value) is not str:
            raise EventRejected(name, "must be a string", Rule.VALUE)
        _check_string(name, value)
        if value == "":
            raise EventRejected(name, "must not be empty", Rule.VALUE)
        rule(name, value, leniency)
    return attributes


def is_name(text: str) -> bool:
    """Whether an attribute may have that name, where any leniency lets it in."""
    return text not in _RESERVED and _TOLERABLE_NAME.fullmatch(text) is not None


def check_name(name: str, leniency: Leniency) -> None:
    """Raises EventRejected unless `name` may name an attribute (Attribute Naming Convention)."""
    if not (
        is_name(name) and (_NAME.fullmatch(name) or leniency.lets_in(Tolerance.ATTRIBUTE_NAMES))
    ):
        shown = name if name.isascii() and name.isprintable() and len(name) <= _MAX_SHOWN else None
        raise EventRejected(
            shown,
            "is no attribute name: only a-z and 0-9 may be in one, and `data` is reserved",
            Rule.NAME,
        )


def _check_value(name: str, value: Any) -> None:
    if isinstance(value, str):
        _check_string(name, value)
    elif isinstance(value, int):
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise EventRejected(name, "is an integer outside of 32 bits", Rule.VALUE)
    else:
        raise EventRejected(name, "must be a string, a boolean or an integer", Rule.VALUE)


def _check_string(name: str, value: str) -> None:
    # Two looks that cost next to nothing settle nearly every value.
    plain = value.isascii() and value.isprintable()
    if not plain and _DISALLOWED.search(value):
        raise EventRejected(
            name, "has a control character, a noncharacter or an unpaired surrogate", Rule.CHARACTER
        )


def _any_string(_name: str, _value: str, _leniency: Leniency) -> None:
    pass


def _uri_reference(name: str, value: str, _leniency: Leniency) -> None:
    if not is_uri_reference(value):
        raise EventRejected(name, "is no URI-reference (RFC 3986, section 4.1)", Rule.URI)


# Validating a source takes ten times as long as looking it up.
@bounded_cache
def is_uri_reference(value: str) -> bool:
    """Whether the text is a URI-reference (RFC 3986, section 4.1)."""
    return bool(validate_rfc3986(value, rule="URI_reference"))


def _absolute_uri(name: str, value: str, leniency: Leniency) -> None:
    if _SCHEME.match(value) and "#" not in value and validate_rfc3986(value, rule="URI"):
        return
    if not (is_uri_reference(value) and leniency.lets_in(Tolerance.DATASCHEMA)):
        raise EventRejected(name, "is no absolute URI (RFC 3986, section 4.3)", Rule.URI)


def _media_type(name: str, value: str, _leniency: Leniency) -> None:
    if media_types.parse(value) is None:
        raise EventRejected(name, "is no media type (RFC 2046)", Rule.MEDIA_TYPE)


def is_timestamp(value: str) -> bool:
    """Whether it is a timestamp of RFC 3339."""
    match = _TIME.fullmatch(value)
    return match is not None and _has_day(*map(int, match.groups()))


def _timestamp(name: str, value: str, _leniency: Leniency) -> None:
    if not is_timestamp(value):
        raise EventRejected(name, "is no timestamp (RFC 3339)", Rule.TIMESTAMP)


def _has_day(year: int, month: int, day: int) -> bool:
    return day <= _SHORTEST_MONTH or day <= calendar.monthrange(year or 4, month)[1]


_COMMON = {
    "id": _any_string,
    "source": _uri_reference,
    "specversion": _any_string,
    "type": _any_string,
    "datacontenttype": _media_type,
    "subject": _any_string,
    "time": _timestamp,
}
_RULES_V1: Final = {**_COMMON, "dataschema": _absolute_uri}
_RULES_V03: Final = {
    **_COMMON,
    "schemaurl": _uri_reference,
    "datacontentencoding": _any_string,
}
CORE: Final = frozenset(_RULES_V1) | frozenset(_RULES_V03)
"""The names that a specification gives a type; all others are extensions."""
