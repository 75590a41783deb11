"""One line a happening, in two forms, whatever is logged."""

import io
import json
import logging
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
import structlog

from service_kit import logs
from service_kit.settings.base import LogFormat

Logged = Callable[[], str]

# Each could end a line, or steer the terminal of whoever reads it.
DANGERS = [
    "\n",
    "\r",
    "\r\n",
    "\x00",
    "\x0b",
    "\x0c",
    "\x1b[2J",
    "\x1c",
    "\x7f",
    "\x85",
    "\x9b2J",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
    "\ud800",
    "\udfff",
]


class Terminal(io.TextIOWrapper):
    """Standard output as a terminal is."""

    def isatty(self) -> bool:
        return True


class Pipe(io.TextIOWrapper):
    """Standard output as a pipe is."""


def configured(
    monkeypatch: pytest.MonkeyPatch,
    log_format: LogFormat,
    level: str = "info",
    output: type[io.TextIOWrapper] = Pipe,
) -> Logged:
    """Logging to a stream; what it returns tells all that came."""
    raw = io.BytesIO()
    stream = output(raw, encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", stream)
    logs.configure("trial-service", log_format, level)

    def logged() -> str:
        stream.flush()
        return raw.getvalue().decode()

    return logged


def fail(message: str) -> NoReturn:
    raise ValueError(message)


def only_line(text: str) -> str:
    """The text, which must be one line by every notion of one."""
    assert text.endswith("\n")
    assert text[:-1].splitlines() == [text[:-1]]
    return text[:-1]


def test_a_json_line_has_message_level_service_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    logged = configured(monkeypatch, "json")
    structlog.get_logger().info("Found it", number=1)
    line = json.loads(only_line(logged()))
    assert line.pop("timestamp").endswith("Z")
    assert line == {"service": "trial-service", "message": "Found it", "level": "info", "number": 1}


def test_a_console_line_is_the_message_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    logged = configured(monkeypatch, "console")
    structlog.get_logger().info("Found 1 from 2 with type 3 and specversion 1.0", hidden=1)
    assert logged() == "Found 1 from 2 with type 3 and specversion 1.0\n"


def test_a_warning_on_a_console_says_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    logged = configured(monkeypatch, "console")
    structlog.get_logger().warning("not ready", dependency="database")
    assert logged() == "warning: not ready dependency=database\n"


def test_a_value_cannot_pass_for_two_on_a_console(monkeypatch: pytest.MonkeyPatch) -> None:
    logged = configured(monkeypatch, "console")
    structlog.get_logger().warning("look", source="good position=7")
    assert 'source="good position=7"' in logged()


@pytest.mark.parametrize(("output", "is_json"), [(Terminal, False), (Pipe, True)])
def test_auto_is_console_on_a_terminal_and_json_elsewhere(
    monkeypatch: pytest.MonkeyPatch, output: type[io.TextIOWrapper], *, is_json: bool
) -> None:
    logged = configured(monkeypatch, "auto", output=output)
    structlog.get_logger().info("hello")
    assert logged().startswith("{") == is_json


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_line_below_the_level_is_not_logged(
    monkeypatch: pytest.MonkeyPatch, log_format: LogFormat
) -> None:
    logged = configured(monkeypatch, log_format, "warning")
    structlog.get_logger().info("no")
    structlog.get_logger().warning("yes")
    assert "yes" in only_line(logged())


@pytest.mark.parametrize("danger", DANGERS, ids=ascii)
@pytest.mark.parametrize("library", [False, True], ids=["ours", "library"])
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_line_is_not_broken_by_anything_in_it(
    monkeypatch: pytest.MonkeyPatch, log_format: LogFormat, danger: str, *, library: bool
) -> None:
    logged = configured(monkeypatch, log_format)
    if library:
        logging.getLogger("library").warning("before%safter", danger)
    else:
        structlog.get_logger().warning(f"before{danger}after", value=f"v{danger}v")
    line = only_line(logged())
    assert danger not in line
    assert line.isprintable()


@pytest.mark.parametrize("danger", DANGERS, ids=ascii)
def test_a_json_line_gives_back_what_was_logged(
    monkeypatch: pytest.MonkeyPatch, danger: str
) -> None:
    logged = configured(monkeypatch, "json")
    structlog.get_logger().info(f"before{danger}after", value=danger)
    line = json.loads(logged())
    assert (line["message"], line["value"]) == (f"before{danger}after", danger)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_letters_of_any_script_stay_as_they_are(
    monkeypatch: pytest.MonkeyPatch, log_format: LogFormat
) -> None:
    logged = configured(monkeypatch, log_format)
    structlog.get_logger().info("Zo\u00eb \u0645\u0631 \U0001f987")
    assert "Zo\u00eb \u0645\u0631 \U0001f987" in logged()


@pytest.mark.parametrize("value", [2**70, {1, 2}, object(), b"\xff", float("nan"), {"a": [1]}])
def test_any_value_can_be_logged(monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    logged = configured(monkeypatch, "json")
    structlog.get_logger().info("hello", value=value)
    assert "value" in json.loads(only_line(logged()))


def test_a_librarys_warning_takes_the_same_form(monkeypatch: pytest.MonkeyPatch) -> None:
    logged = configured(monkeypatch, "json")
    logging.getLogger("library").warning("careful with %s", "that")
    line = json.loads(only_line(logged()))
    assert (line["message"], line["level"]) == ("careful with that", "warning")
    assert line["service"] == "trial-service"
    assert line["timestamp"]


def test_a_librarys_line_below_a_warning_is_not_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged = configured(monkeypatch, "json", "debug")
    logging.getLogger("library").info("chatter")
    talkative = logging.getLogger("library.that.sets.a.level")
    talkative.setLevel(logging.INFO)
    talkative.info("chatter")
    assert logged() == ""


@pytest.mark.parametrize("library", [False, True], ids=["ours", "library"])
def test_a_json_line_has_the_traceback_in_it(
    monkeypatch: pytest.MonkeyPatch, *, library: bool
) -> None:
    logged = configured(monkeypatch, "json")
    log: Any = logging.getLogger("library") if library else structlog.get_logger()
    try:
        fail("of this\nkind")
    except ValueError:
        log.exception("failed")
    assert "ValueError: of this\nkind" in json.loads(only_line(logged()))["exception"]


def test_a_traceback_on_a_console_is_indented_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    logged = configured(monkeypatch, "console")
    try:
        fail("\x1b[2J")
    except ValueError:
        structlog.get_logger().exception("failed")
    first, *rest = logged().splitlines()
    assert first == "error: failed"
    assert rest[0] == "  Traceback (most recent call last):"
    assert rest[-1] == "  ValueError: \\x1b[2J"


def test_configuring_again_does_not_double_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, "json")
    logged = configured(monkeypatch, "json")
    structlog.get_logger().info("ours")
    logging.getLogger("library").warning("theirs")
    assert len(logged().splitlines()) == 2
