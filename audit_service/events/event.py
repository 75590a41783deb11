"""Event as it was received, and the errors of a message that is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from cloudevents.core.base import BaseCloudEvent

from audit_service.events.tolerance import Tolerance

Value = str | int | bool
"""An attribute's value. Over HTTP headers all are strings; in JSON an extension has its type."""


class JsonText(bytes):
    """Data that is JSON: its source text in UTF-8, checked."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Event(BaseCloudEvent):
    """A well-formed CloudEvent, unaltered.

    `attributes`: by name, as they came; those that were absent or null are not there.
    `data`: JsonText where it is JSON and is known to be, as it came; else the bytes of the
    body, or those that a structured event's string or Base64 stands for; None where there
    is none, an empty body included.
    `tolerated`: the deviations from the specification that were let in with it; they are
    not of the event, so two events may be equal that differ in them.

    It is what the SDK calls an event, too, so that any of its writers can write it.
    """

    attributes: Mapping[str, Value]
    data: bytes | None = None
    tolerated: tuple[Tolerance, ...] = ()

    @property
    def id(self) -> str:
        return str(self.attributes["id"])

    @property
    def source(self) -> str:
        return str(self.attributes["source"])

    @property
    def type(self) -> str:
        return str(self.attributes["type"])

    @property
    def specversion(self) -> str:
        return str(self.attributes["specversion"])

    @property
    def datacontenttype(self) -> str | None:
        return self._optional("datacontenttype")

    def _optional(self, name: str) -> str | None:
        value = self.attributes.get(name)
        return None if value is None else str(value)

    def get_id(self) -> str:
        return self.id

    def get_source(self) -> str:
        return self.source

    def get_type(self) -> str:
        return self.type

    def get_specversion(self) -> str:
        return self.specversion

    def get_datacontenttype(self) -> str | None:
        return self.datacontenttype

    def get_dataschema(self) -> str | None:
        return self._optional("dataschema")

    def get_subject(self) -> str | None:
        return self._optional("subject")

    def get_time(self) -> datetime | None:
        """Always None: a datetime would lose digits, so `time` stays among the attributes."""
        return None

    def get_extension(self, extension_name: str) -> Any:
        return self.attributes.get(extension_name)

    def get_data(self) -> bytes | None:
        return self.data

    def get_attributes(self) -> dict[str, Any]:
        return dict(self.attributes)


class Rule(StrEnum):
    """The kinds of rules that a message can break: few, so that they can be counted."""

    REQUIRED = "required"
    SPECVERSION = "specversion"
    NAME = "attribute-name"
    VALUE = "attribute-value"
    CHARACTER = "character"
    URI = "uri"
    MEDIA_TYPE = "media-type"
    TIMESTAMP = "timestamp"
    HEADER_VALUE = "header-value"
    DATACONTENTTYPE = "datacontenttype"
    REPEATED = "repeated"
    JSON = "json"
    DATA = "data"
    SIZE = "size"
    FORMAT = "format"
    OTHER = "other"


class EventRejected(Exception):
    """The message is not a well-formed CloudEvent.

    `attribute` is what is wrong, `data` included, or None for the message as a whole; `rule`
    is a sentence that says what the specification wants, and `code` the kind of it.
    """

    def __init__(self, attribute: str | None, rule: str, code: Rule) -> None:
        super().__init__(f"{attribute}: {rule}" if attribute else rule)
        self.attribute = attribute
        self.rule = rule
        self.code = code


class BatchRejected(Exception):
    """Some events of a batch are not well-formed; `items` has each with its index, from 0."""

    def __init__(self, items: Mapping[int, EventRejected]) -> None:
        index, first = next(iter(items.items()))
        super().__init__(
            f"events of the batch that are not well-formed: {len(items)}; "
            f"the first is item {index}, {first}"
        )
        self.items = items


class TooManyEvents(Exception):
    """The batch has more events than are accepted in one."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"a batch may have {limit} events at most")
        self.limit = limit


class TooManyValues(Exception):
    """The JSON has more members and items than are accepted in one text."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"JSON may have {limit} members and items at most, nested ones included")
        self.limit = limit


class UnsupportedFormat(Exception):
    """The message is in an event format, a charset or a coding that is not read here."""
