"""Long lines: at most 8 KiB, whatever is logged, and what was cut is marked."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from service_kit import logs
from service_kit.settings.base import LogFormat

MAX = 8192
Line = Callable[..., str]


@pytest.fixture(params=["json", "console"])
def log_format(request: pytest.FixtureRequest) -> LogFormat:
    log_format: LogFormat = request.param
    return log_format


@pytest.fixture
def line(log_format: LogFormat, capfdbinary: pytest.CaptureFixture[bytes]) -> Line:
    """Logs a warning, and gives the line that it is."""
    logs.configure("trial-service", log_format)

    def logged(message: str, **fields: Any) -> str:
        structlog.get_logger().warning(message, **fields)
        return capfdbinary.readouterr().out.decode()

    return logged


@pytest.mark.parametrize(
    "fields",
    [
        {"value": "x" * 1_000_000},
        {"value": "\x00" * 1_000_000},
        {"value": "\U0001f987" * 10_000},
        {"value": "\ud800" * 10_000},
        {"value": ["x"] * 10_000},
        {"value": {"x" * 10_000: 1}},
        {"value": b"\xff" * 10_000},
        {"value": 2**10_000},
        {f"name{n}": "x" * 100 for n in range(1_000)},
    ],
    ids=["long", "controls", "wide", "surrogates", "list", "mapping", "bytes", "number", "many"],
)
def test_a_line_has_at_most_8_kib(line: Line, fields: dict[str, Any]) -> None:
    written = line("hello " + "y" * 10_000, **fields)
    assert len(written.encode(errors="surrogatepass")) <= MAX
    assert "hello yy" in written
    assert len(written.splitlines()) == 1


def test_what_is_cut_is_marked_with_how_many_bytes_there_were_more(line: Line) -> None:
    assert "x" * 2048 + "…[+7952 bytes]" in line("hello", value="x" * 10_000)


def test_what_is_short_stays_as_it_is_in_a_line_that_is_cut(
    line: Line, log_format: LogFormat
) -> None:
    written = line("hello", value="x" * 10_000, number=7, names=["a", "b"])
    if log_format == "json":
        fields = json.loads(written)
        assert (fields["message"], fields["number"], fields["names"]) == ("hello", 7, ["a", "b"])
    else:
        assert written.startswith("warning: hello value=")
        assert "number=7" in written


def test_a_line_of_8_kib_is_not_cut(line: Line) -> None:
    short = len(line("hello", value="x").encode()) - 1
    written = line("hello", value="x" * (MAX - short))
    assert (len(written.encode()), "bytes]" in written) == (MAX, False)
    assert "bytes]" in line("hello", value="x" * (MAX - short + 1))


def test_a_traceback_that_is_cut_keeps_its_end(
    log_format: LogFormat, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    logs.configure("trial-service", log_format)

    def recurse(depth: int) -> None:
        if depth == 0:
            raise ValueError("the reason")
        recurse(depth - 1)

    try:
        # Python shows a few of the same frames only, so that each is another one.
        exec(
            "".join(f"def f{n}(): {f'f{n - 1}()' if n else 'recurse(0)'}\n" for n in range(400))
            + "f399()",
            {"recurse": recurse},
        )
    except ValueError:
        structlog.get_logger().exception("failed")
    written = capfdbinary.readouterr().out
    assert len(written) <= MAX
    assert b"Traceback" in written
    assert b"ValueError: the reason" in written


def test_a_librarys_line_is_cut_too(
    log_format: LogFormat, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    logs.configure("trial-service", log_format)
    logging.getLogger("library").warning("careful with %s", "x" * 1_000_000)
    assert len(capfdbinary.readouterr().out) <= MAX


def test_many_lines_are_cut_one_by_one(
    log_format: LogFormat, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    logs.configure("trial-service", log_format)
    logs.info_many((f"{n} " + "x" * 10_000, {}) for n in range(3))
    lines = capfdbinary.readouterr().out.splitlines(keepends=True)
    assert len(lines) == 3
    assert all(len(line) <= MAX for line in lines)
