"""Rendering of a line: JSON for machines, plain for a terminal.

A line is one line whatever is logged: line breaks and terminal controls that come from
outside are escaped in both forms. It has at most 8 KiB: long values are cut, and marked.
"""

import json
import re
from collections.abc import Callable
from typing import Final

import orjson
from structlog.typing import EventDict, WrappedLogger

# Beyond C0 and C1 controls: line and paragraph separators, and the marks that reorder text.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_PLAIN = re.compile(r"[^\s\"'=\\]+")
_NOT_SHOWN = {"timestamp", "level", "service", "logger", "message", "request_id", "exception"}

_EVERY_LINE_HAS = ("timestamp", "level", "service", "message")

MAX_LINE_BYTES: Final = 8192
"""Length of a line at most, its line break included."""

_SHORTEST = 32


def render_json(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    """A JSON object of all fields."""
    line = _json_line(event)
    return line if len(line) < MAX_LINE_BYTES else _cut(_json_line, event)


def render_console(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    """An ordinary line is its message and nothing else; a warning or worse says everything."""
    line = _console_line(event)
    return line if len(line) < MAX_LINE_BYTES else _cut(_console_line, event)


def _cut(render: Callable[[EventDict], bytes], event: EventDict) -> bytes:
    """The line with its long values cut, as little as makes it short enough."""
    for size in (2048, 512, 128, _SHORTEST):
        line = render({name: _shortened(name, value, size) for name, value in event.items()})
        if len(line) < MAX_LINE_BYTES:
            return line
    # There are too many of them.
    return render({name: _shortened(name, event[name], _SHORTEST) for name in _EVERY_LINE_HAS})


def _shortened(name: str, value: object, size: int) -> object:
    """The value, or so many bytes of its text and a mark that says how many there were more."""
    text = (value if isinstance(value, str) else str(value)).encode(errors="surrogatepass")
    if len(text) <= size:
        return value
    # A traceback says at its end what went wrong.
    kept_end = size // 2 if name == "exception" else 0
    begin, end = text[: size - kept_end], text[len(text) - kept_end :]
    mark = f"…[+{len(text) - size} bytes]"
    return begin.decode(errors="ignore") + mark + end.decode(errors="ignore")


def _json_line(event: EventDict) -> bytes:
    try:
        rendered = orjson.dumps(event, default=str)
        if rendered.isascii() and b"\x7f" not in rendered:
            return rendered
        line = rendered.decode()
    except (TypeError, ValueError):
        # A lone surrogate, which UTF-8 cannot carry and orjson refuses.
        line = json.dumps(event, default=str)
    # What is unsafe is in a string, where JSON lets it stand as it is; it need not.
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", line).encode()


def _console_line(event: EventDict) -> bytes:
    level, text = event["level"], escape_controls(str(event["message"]))
    if level not in {"debug", "info"}:
        extras = " ".join(
            f"{k}={_quoted(escape_controls(str(v)))}"
            for k, v in event.items()
            if k not in _NOT_SHOWN
        )
        text = f"{level}: {text} {extras}".rstrip()
    traceback = [
        f"  {escape_controls(line)}" for line in str(event.get("exception", "")).splitlines()
    ]
    return "\n".join([text, *traceback]).encode()


def _quoted(text: str) -> str:
    """In quotes where it could be taken for more than one value."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def escape_controls(text: str) -> str:
    """The text with whatever could end a line or steer a terminal escaped."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
