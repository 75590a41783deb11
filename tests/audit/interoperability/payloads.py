"""Payloads of real producers: what each sends, and what of it must be kept.

Each file of `payloads/` is one shape, in the words of this project, after what its producer
documents. How a value of an attribute or the data ought to be stored is worked out here, by
the standard library alone, so that nothing of the service judges itself.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_FOLDER = Path(__file__).parent / "payloads"
_JSON = re.compile(r"[^;]*[/+]json\s*(;|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Sent:
    """One event as its producer meant it: attributes as JSON has them, data as its bytes."""

    attributes: dict[str, Any]
    data: bytes | None


@dataclass(frozen=True)
class Payload:
    """A file: what a producer sends, as `headers` and one of the three bodies.

    `body`: a JSON value, sent compact; `body_text`, `body_base64`: text, or bytes, as they are.
    `data_text`: the source text of the data in `body_text`, where that is a structured event.
    `tolerances`: what a receiver must tolerate to let it in; none where it conforms.
    `never`: why no tolerance lets it in.
    `at_fault`: the attribute that is named where it is refused, None where it is the message.
    `stored`: attributes whose value in the log is not the percent-decoded header: the binding
    demands of a receiver that it takes double quotes for delimiters, and a producer that does
    not encode means something else than it says.
    """

    name: str
    producer: str
    shape_of: str
    mode: str
    headers: Any
    tolerances: list[str]
    body: Any = None
    body_text: str | None = None
    body_base64: str | None = None
    data_text: str | None = None
    header_charset: str = "utf-8"
    never: str | None = None
    at_fault: str | None = None
    stored: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """`conforming`, `tolerable`, or `hopeless` where it is refused whatever is tolerated."""
        if self.never is not None:
            return "hopeless"
        return "tolerable" if self.tolerances else "conforming"

    @property
    def content(self) -> bytes:
        """The body, or the message's value."""
        if self.body_base64 is not None:
            return base64.b64decode(self.body_base64)
        if self.body_text is not None:
            return self.body_text.encode()
        return b"" if self.body is None else _compact(self.body)

    @property
    def wsgi_headers(self) -> dict[str, str]:
        """The headers by lower-case name, each byte of a value a character, as WSGI has them."""
        charset = self.header_charset
        return {
            name.lower(): value.encode(charset).decode("latin-1")
            for name, value in self.headers.items()
        }

    @property
    def kafka_headers(self) -> list[tuple[str, bytes | None]]:
        return [(name, value.encode()) for name, value in self.headers]

    def sent(self) -> list[Sent]:
        """The events, in their order."""
        if self.mode == "batch":
            return [_of_json(item, None) for item in self.body]
        if "cloudevents" in self._content_type():
            return [_of_json(json.loads(self.content), self.data_text)]
        return [Sent(self._attributes() | self.stored, self.content or None)]

    def _content_type(self) -> str:
        pairs = self.headers if self.mode == "kafka" else self.headers.items()
        return next((value for name, value in pairs if name.lower() == "content-type"), "")

    def _attributes(self) -> dict[str, str]:
        """Those of binary mode; percent-encoded in HTTP (3.1.3.2), as they are in Kafka (3.2.3)."""
        if self.mode == "kafka":
            found = {name[3:]: value for name, value in self.headers if name.startswith("ce_")}
        else:
            found = {
                name.lower()[3:]: unquote(value, errors="strict")
                for name, value in self.headers.items()
                if name.lower().startswith("ce-")
            }
        content_type = self._content_type()
        return found | ({"datacontenttype": content_type} if content_type else {})


def is_json(media_type: str | None) -> bool:
    """Whether data of this type is in the JSON format as JSON, as it is where none is declared."""
    return media_type is None or _JSON.match(media_type) is not None


def load() -> list[Payload]:
    """Every payload, by name. Raises TypeError where a file has a member of another name."""
    paths = sorted(_FOLDER.glob("*.json"))
    return [Payload(name=path.stem, **json.loads(path.read_text())) for path in paths]


def _of_json(members: dict[str, Any], data_text: str | None) -> Sent:
    """An event in the JSON format; a member that is null is absent (2.2)."""
    attributes = {
        name: _value(value)
        for name, value in members.items()
        if value is not None and name not in {"data", "data_base64"}
    }
    data = members.get("data")
    if "data_base64" in members:
        return Sent(attributes, base64.b64decode(members["data_base64"]))
    if "data" not in members:
        return Sent(attributes, None)
    if not is_json(members.get("datacontenttype")):
        return Sent(attributes, str(data).encode())
    return Sent(attributes, _compact(data) if data_text is None else data_text.encode())


def _value(value: Any) -> str | int:
    """An attribute's value; the JSON text of one that the type system lacks."""
    if isinstance(value, str | bool) or (isinstance(value, int) and -(2**31) <= value < 2**31):
        return value
    return _compact(value).decode()


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
