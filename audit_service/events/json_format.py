"""JSON event format (JSON Event Format 1.0.2), read strictly and written back."""

import binascii
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson
from cloudevents.core.base import BaseCloudEvent, EventFactory
from cloudevents.core.formats.json import JSONFormat

from audit_service.events import lossless_json, media_types, strict_json
from audit_service.events.attributes import CORE, INTEGER_MAX, INTEGER_MIN, check_name
from audit_service.events.event import Event, EventRejected, JsonText, Rule
from audit_service.events.json_data import data_of, is_base64_of_03, payload
from audit_service.events.limits import Limits
from audit_service.events.strict_json import Members, MemberSources, NotJson, Number
from audit_service.events.tolerance import Leniency, Tolerance

_PAYLOADS = {"data", "data_base64"}
_SIMPLE = {str, bool}
_NUMBERS = {Number, int, float}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,9})")


class StrictJsonFormat(JSONFormat):
    """The seam of the SDK at which JSON is made strict, and its source text kept."""

    def __init__(self, leniency: Leniency, limits: Limits) -> None:
        self._leniency = leniency
        self._limits = limits

    def read(self, event_factory: EventFactory | None, data: str | bytes) -> BaseCloudEvent:
        """The event that a JSON object describes.

        Raises EventRejected where it is no JSON object, has a member twice, has data that is
        not what it says; TooManyValues. `event_factory` validates the attributes.
        """
        if event_factory is None:
            raise TypeError("a factory is what validates attributes; there must be one")
        body = data.encode(errors="surrogatepass") if isinstance(data, str) else data
        self._limits.check_values(body)
        value = lossless_json.lossless(body)
        if value is not lossless_json.LOSSY:
            return self.event_of(value, None, event_factory)
        try:
            text = strict_json.text_of(body)
            value = strict_json.decode(text)
        except NotJson as reason:
            raise EventRejected(None, f"the event is not JSON: {reason}", Rule.JSON) from None
        return self.event_of(value, text, event_factory)

    def event_of(self, value: Any, text: str | None, event_factory: EventFactory) -> BaseCloudEvent:
        """The same, of a JSON value and its source text, or None where the value is lossless."""
        if type(value) not in {Members, dict}:
            raise EventRejected(None, "the event is not JSON: it is not an object", Rule.JSON)
        attributes, payloads = _attributes_and_payloads(value, text, self._leniency)
        return event_factory(attributes, payload(attributes, payloads, text, self._limits))

    def read_data(self, body: bytes, datacontenttype: str | None) -> bytes | None:
        """The data that the bytes are; raises EventRejected where they say JSON and are not."""
        return data_of(body, datacontenttype, self._limits)


def _attributes_and_payloads(
    value: Members | dict[str, Any], text: str | None, leniency: Leniency
) -> tuple[dict[str, Any], dict[str, Any]]:
    members: Iterable[tuple[str, Any]]
    if isinstance(value, dict):
        members = value.items()
    else:
        members = value
        _check_each_is_once(members, leniency)
    sources = None if text is None else MemberSources(text)
    attributes: dict[str, Any] = {}
    payloads: dict[str, Any] = {}
    for name, member in members:
        if name in _PAYLOADS:
            payloads[name] = member
        elif member is None:
            check_name(name, leniency)
        elif type(member) in _SIMPLE:
            attributes[name] = member
        else:
            attributes[name] = _native(name, member, sources, leniency)
    return attributes, payloads


def _check_each_is_once(members: Members, leniency: Leniency) -> None:
    if len(dict(members)) == len(members):
        return
    counted = Counter(name for name, _ in members)
    name = next(name for name in counted if counted[name] > 1)
    if name not in _PAYLOADS:
        check_name(name, leniency)
    raise EventRejected(name, "is there twice", Rule.REPEATED)


def _native(name: str, value: Any, sources: MemberSources | None, leniency: Leniency) -> Any:
    """The attribute of a JSON value that is no string: an integer of 32 bits (2.2).

    Another value is kept as its JSON text where that is tolerated, of an extension alone.
    `sources`: of the whole event, None where the value is lossless.
    """
    is_number = type(value) in _NUMBERS
    if is_number and _INTEGER.fullmatch(str(value)):
        integer = int(value)
        if INTEGER_MIN <= integer <= INTEGER_MAX:
            return integer
    if name in CORE:
        return value
    check_name(name, leniency)
    if not leniency.lets_in(Tolerance.ATTRIBUTE_VALUES):
        raise EventRejected(
            name, "must be a string, a boolean or an integer of 32 bits", Rule.VALUE
        )
    if is_number:
        return str(value)
    return orjson.dumps(value).decode() if sources is None else sources[name]


def to_json(event: Event) -> bytes:
    """The event in the JSON format, numbers of its data as they were written.

    Data that is neither JSON nor text of its declared type is in `data_base64`.
    """
    members: dict[str, Any] = dict(event.attributes)
    if is_base64_of_03(members):
        # Its data was decoded; what it is encoded in here is said anew.
        del members["datacontentencoding"]
    if isinstance(event.data, JsonText):
        members["data"] = orjson.Fragment(bytes(event.data))
    elif event.data is not None:
        text = data_as_text(event)
        if text is not None:
            members["data"] = text
        elif event.specversion == "0.3":
            members["datacontentencoding"] = "base64"
            members["data"] = _base64(event.data)
        else:
            members["data_base64"] = _base64(event.data)
    return orjson.dumps(members)


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def data_as_text(event: Event) -> str | None:
    """The string that stands for the data, where its type is text and it is."""
    data, media_type = event.data, event.datacontenttype
    essence = media_types.essence(media_type)
    if data is None or not (essence.startswith("text/") or essence.endswith(("/xml", "+xml"))):
        return None
    if media_types.is_json(media_type) or not media_types.is_utf8(media_type):
        return None
    try:
        codec = media_types.codec(media_type)
        text = data.decode(codec)
        return text if text.encode(codec) == data and text.encode() else None
    except (LookupError, UnicodeError):
        return None
