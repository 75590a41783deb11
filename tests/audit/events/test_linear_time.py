"""Texts that senders choose cost time and memory by their length, not by its square."""

import encodings
import tracemalloc
from collections.abc import Callable

import pytest

from audit_service.events import EventRejected, Tolerance, http_binding, media_types
from audit_service.events.attributes import is_uri_reference
from audit_service.events.content_mode import STRUCTURED
from service_kit.http import cursors
from tests.support.audit_client import REQUIRED, event_text
from tests.support.processor_time import is_linear

MIB = 1024 * 1024


def repeated(unit: str, before: str = "", after: str = "") -> Callable[[int], str]:
    return lambda length: before + unit * (length // len(unit)) + after


def read(headers: dict[str, str], body: str = "") -> None:
    """Read a message with every tolerance; refused or not is all the same."""
    try:
        http_binding.read(headers, body.encode(), tolerate=frozenset(Tolerance))
    except EventRejected as rejection:
        raise ValueError from rejection


def read_header(name: str) -> Callable[[str], None]:
    required = {f"ce-{attribute}": value for attribute, value in REQUIRED.items()}
    return lambda value: read({**required, name: value})


def read_structured(members: str) -> None:
    read({"content-type": STRUCTURED}, event_text(members))


MEDIA_TYPES = [
    repeated("; ;", "a/b"),
    repeated(";a=b", "a/b", "!"),
    repeated(';a="b"', "a/b", "!"),
    repeated("\\a", 'a/b;a="'),
    repeated(" ", "a/b", "x"),
    repeated("a"),
]
URIS = [
    repeated("/a", after="^"),
    repeated("a.", "http://", " "),
    repeated("1:", "http://[", "]"),
    repeated("a:", "http://", " "),
    repeated("%41", after="%"),
]
HEADER_VALUES = [repeated(unit) for unit in ('"', '\\"', '"\\"', "%", "%4", "%41", "\xe9", '%"')]


@pytest.mark.parametrize("text", MEDIA_TYPES)
@pytest.mark.parametrize("name", ["content-type", "ce-datacontenttype"])
def test_a_media_type_is_parsed_in_linear_time(name: str, text: Callable[[int], str]) -> None:
    assert is_linear(media_types.parse, text, 16 * 1024)
    assert is_linear(read_header(name), text, 16 * 1024)


@pytest.mark.parametrize("text", MEDIA_TYPES)
def test_a_media_type_is_parsed_in_memory_of_its_length(text: Callable[[int], str]) -> None:
    long = text(MIB)
    tracemalloc.start()
    try:
        media_types.parse(long)
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("text", URIS)
def test_a_uri_reference_is_checked_in_linear_time(text: Callable[[int], str]) -> None:
    assert is_linear(is_uri_reference, text, 16 * 1024)


@pytest.mark.parametrize("text", HEADER_VALUES)
@pytest.mark.parametrize("name", ["ce-ext", "ce-source", "ce-time"])
def test_a_header_value_is_decoded_in_linear_time(name: str, text: Callable[[int], str]) -> None:
    assert is_linear(read_header(name), text, 16 * 1024)


@pytest.mark.parametrize("text", [repeated("A"), repeated("="), repeated("-"), repeated("\xe9")])
def test_a_cursor_is_decoded_in_linear_time(text: Callable[[int], str]) -> None:
    assert is_linear(cursors.decode, text, 16 * 1024)


@pytest.mark.parametrize(("before", "length"), [("", 5000), ('"escaped":"\\u0041",', 1500)])
def test_attributes_kept_as_their_json_are_read_in_linear_time(before: str, length: int) -> None:
    def members(about: int) -> str:
        return before + ", ".join(f'"a{n}":{{}}' for n in range(about // 10))

    assert is_linear(read_structured, members, length)


def remembered_codecs() -> int:
    """How many names Python has looked up a codec for, found or not."""
    return len(encodings._cache)  # noqa: SLF001 - it says so nowhere else


def test_a_charset_that_is_none_is_not_remembered() -> None:
    before = remembered_codecs()
    for number in range(100):
        with pytest.raises(LookupError):
            media_types.codec(f"text/plain;charset=none{number}")
    assert remembered_codecs() == before


@pytest.mark.parametrize("spelling", ["latin-1", "LATIN_1", "latin--1", "iso-8859-1", "ISO8859-1"])
def test_a_charset_is_known_by_every_spelling(spelling: str) -> None:
    assert media_types.codec(f"text/plain;charset={spelling}") == "iso8859-1"


def test_what_is_no_charset_is_none() -> None:
    for name in ("none", "idna", "punycode", "unicode-escape", "undefined"):
        with pytest.raises(LookupError):
            media_types.codec(f"text/plain;charset={name}")
