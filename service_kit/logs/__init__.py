"""Log: one stream of lines on standard output, JSON for machines, plain for a terminal.

A line is one line whatever is logged: line breaks and terminal controls that come from
outside are escaped in both forms. It has at most 8 KiB.
"""

import logging
import sys
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from service_kit.logs.output import Output, occupy_closed_streams
from service_kit.logs.rendering import escape_controls, render_console, render_json
from service_kit.settings.base import LogFormat

__all__ = [
    "close",
    "configure",
    "escape_controls",
    "info_many",
    "lost_lines",
    "queue_lines",
    "request_id",
]

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that is being answered, which its lines name."""


def configure(service: str, log_format: LogFormat, level: str = "info") -> None:
    """Send every log line of this process, ours and the libraries', to standard output.

    MUST be called before the first line is logged. Each line is written before its call returns,
    as a command wants it; see `queue_lines`.
    """
    _OUTPUT.write_at_once()
    occupy_closed_streams()
    on_terminal = log_format == "console" or (log_format == "auto" and _is_terminal())
    render = render_console if on_terminal else render_json

    # One processor for what five of the library's would do: each line has them all.
    def complete(_: WrappedLogger, level: str, event: EventDict) -> EventDict:
        line = {"service": service, **event}
        line["message"] = line.pop("event")
        if (request := request_id.get()) is not None:
            line["request_id"] = request
        line["level"] = level
        line["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        return line

    shared: list[Any] = [structlog.processors.format_exc_info, complete]
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_LineLogger,
        cache_logger_on_first_use=False,
    )
    _adopt_library_logs(shared, render, max(threshold, logging.WARNING))


def queue_lines() -> None:
    """Have a thread write the lines from now on, as a service wants it.

    Whoever logs is then neither held up nor failed by standard output; see `LineWriter`.
    Processes that are forked of this one do the same.
    """
    _OUTPUT.queue()


def close() -> None:
    """Write what is queued, for at most a second; what comes later is not written.

    It is done at exit, but not by os._exit.
    """
    _OUTPUT.close()


def lost_lines() -> int:
    """Lines of this process that could not be written, or found the queue full."""
    return _OUTPUT.lost


def info_many(lines: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """An info line for each message and its fields, as `log.info` would write them.

    Their common part (service, time, request) is made once: one by one, batches of
    500 events that have a line each came 21 % slower.
    """
    log = structlog.get_logger()
    *chain, render = structlog.get_config()["processors"]
    if render not in {render_json, render_console}:
        # Lines that are captured, as tests do, come one by one.
        for message, fields in lines:
            log.info(message, **fields)
        return
    if not log.is_enabled_for(logging.INFO):
        return
    shared = _shared(chain, "info")
    for message, fields in lines:
        line = {**shared, **fields, "message": message}
        _OUTPUT.write(render(None, "info", line) + b"\n")


def _shared(chain: Iterable[Any], level: str) -> Any:
    """What lines that are logged now have in common."""
    shared: Any = {"event": ""}
    for processor in chain:
        shared = processor(None, level, shared)
    return shared


def _lost_line(number: int) -> bytes:
    *chain, render = structlog.get_config()["processors"]
    line = {**_shared(chain, "warning"), "message": "log lines were lost", "lines": number}
    rendered: bytes = render(None, "warning", line)
    return rendered + b"\n"


_OUTPUT = Output(_lost_line)


class _LineLogger:
    """The end of structlog's chain, which is given rendered lines."""

    def __init__(self, *_: object) -> None:
        pass

    def info(self, line: bytes) -> None:
        _OUTPUT.write(line + b"\n")

    debug = warning = error = critical = info


class _LibraryHandler(logging.Handler):
    """The end of the standard `logging` module's chain. It prints nothing of its own troubles."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - a library's arguments that do not fit its format
            _OUTPUT.lose()
        else:
            _OUTPUT.write(line.encode() + b"\n")


def _adopt_library_logs(shared: list[Any], render: Any, threshold: int) -> None:
    """Lines of the standard `logging` module take the same form; only warnings and worse."""
    # The handler's, too: a library may set the level of a logger of its own.
    handler = _LibraryHandler(threshold)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                lambda logger, name, event: render(logger, name, event).decode(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()
