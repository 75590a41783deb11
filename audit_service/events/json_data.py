"""Data of an event in JSON: its bytes or its JSON text, by what the event says of it."""

import binascii
import re
from collections.abc import Mapping
from typing import Any

import orjson

from audit_service.events import media_types, strict_json
from audit_service.events.event import EventRejected, JsonText, Rule
from audit_service.events.limits import Limits
from audit_service.events.strict_json import NotJson

# What JSON of more than one value begins with, if it is in UTF-8.
_COMPOUND = re.compile(rb"[ \t\n\r]*[\[{]")


def data_of(body: bytes, media_type: str | None, limits: Limits) -> bytes | None:
    """The data that the bytes are. Raises EventRejected where they say JSON and are not,
    TooManyValues.
    """
    if not body:
        return None
    if media_type is None and _COMPOUND.match(body):
        # They may be JSON, as which they are hashed (see `digest`).
        limits.check_values(body)
    if not media_types.is_json(media_type) or not media_types.is_utf8(media_type):
        return body
    limits.check_values(body)
    try:
        strict_json.check(body)
    except NotJson as reason:
        raise EventRejected("data", f"is not JSON, as it says it is: {reason}", Rule.JSON) from None
    return JsonText(body)


def payload(
    attributes: dict[str, Any], payloads: dict[str, Any], text: str | None, limits: Limits
) -> bytes | None:
    """The data, by what the event says of it (3.1.2; 0.3: `datacontentencoding`)."""
    media_type = _media_type(attributes.get("datacontenttype"))
    if attributes.get("specversion") == "0.3":
        if "data_base64" in payloads:
            raise EventRejected("data_base64", "is not of specversion 0.3", Rule.DATA)
        if is_base64_of_03(attributes):
            payloads = {"data_base64": payloads["data"]} if "data" in payloads else {}
    if payloads.get("data_base64") is None:
        payloads.pop("data_base64", None)
    if len(payloads) > 1:
        raise EventRejected(
            "data", "excludes data_base64: only one of them may be there", Rule.DATA
        )
    if "data_base64" in payloads:
        name = "data" if attributes.get("specversion") == "0.3" else "data_base64"
        return data_of(_bytes_of(name, payloads["data_base64"]), media_type, limits)
    if "data" not in payloads:
        return None
    if media_type is None or media_types.is_json(media_type):
        if text is None:
            return JsonText(orjson.dumps(payloads["data"]))
        return JsonText(strict_json.source_of(text, "data").encode())
    return _encoded(payloads["data"], media_type) or None


def _media_type(value: Any) -> str | None:
    """What `datacontenttype` says, checked before the data is read by it."""
    if value is None or (isinstance(value, str) and media_types.parse(value) is not None):
        return value
    raise EventRejected("datacontenttype", "is no media type (RFC 2046)", Rule.MEDIA_TYPE)


def is_base64_of_03(attributes: Mapping[str, Any]) -> bool:
    """Whether `data` is Base64, as specversion 0.3 says it."""
    encoding = attributes.get("datacontentencoding")
    return attributes.get("specversion") == "0.3" and str(encoding).lower() == "base64"


def _bytes_of(name: str, value: Any) -> bytes:
    if type(value) is str:
        try:
            return binascii.a2b_base64(value, strict_mode=True)
        except ValueError:
            pass
    raise EventRejected(name, "is no Base64 (RFC 4648, section 4)", Rule.DATA)


def _encoded(value: Any, media_type: str) -> bytes:
    """The bytes that a string stands for where the media type is not JSON."""
    if value is None:
        return b""  # Null is absent, as it is of attributes.
    if type(value) is not str:
        raise EventRejected("data", "must be a string where datacontenttype is not JSON", Rule.DATA)
    try:
        return value.encode(media_types.codec(media_type))
    except (LookupError, UnicodeError):
        raise EventRejected(
            "data", "cannot be encoded as datacontenttype says", Rule.DATA
        ) from None
