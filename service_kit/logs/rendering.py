"""Rendering of a line: JSON for machines, plain for a terminal.

A line is one line whatever is logged: line breaks and terminal controls that come from
outside are escaped in both forms.
"""

import json
import re

import orjson
from structlog.typing import EventDict, WrappedLogger

# Beyond C0 and C1 controls: line and paragraph separators, and the marks that reorder text.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_PLAIN = re.compile(r"[^\s\"'=\\]+")
_NOT_SHOWN = {"timestamp", "level", "service", "logger", "message", "request_id", "exception"}


def render_json(_: WrappedLogger, __: str, event: EventDict) -> bytes:
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


def render_console(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    """An ordinary line is its message and nothing else; a warning or worse says everything."""
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
