"""Command `audit-service import`: events of files into a log, by the strict path of all events."""

import gzip
import shlex
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedIOBase, BufferedReader
from typing import Any, Final, cast

import click

from audit_service.cli.audit_remote import AuditRemote
from audit_service.events import strict_json
from service_kit.cli.remote import (
    REFUSED,
    UNREACHABLE,
    Response,
    Unreachable,
    problem_of,
    url_option,
)
from service_kit.cli.terminal import counting
from service_kit.logs import escape_controls

BATCH: Final = "application/cloudevents-batch+json"
BATCH_EVENTS: Final = 1000
BATCH_BYTES: Final = 1024 * 1024
TRIES: Final = 30
RETRY_SECONDS: Final = 1.0
MOST_RETRY_SECONDS: Final = 60.0
_GZIP: Final = b"\x1f\x8b"
_REFUSALS: Final = frozenset({400, 413})
_OURS: Final = 500
INTERRUPTED: Final = 130
"""The exit code after Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Line:
    """An event of a file; `number`: of its line, or item, from 1."""

    number: int
    text: bytes


class _Stopped(Exception):
    """The import cannot go on now. The message says why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--from-line", type=click.IntRange(min=1), default=1, help="Go on from there in the first FILE."
)
@url_option
def import_events(files: tuple[str, ...], *, from_line: int) -> None:
    """Send the events of files: one in each line, or a JSON array; .gz too; `-`: standard input.

    What is stored already is a duplicate, so that to do it again is harmless. Lines that are
    refused are named; all others are stored."""
    remote = AuditRemote()
    refused = 0
    for number, name in enumerate(files):
        sent = _Sent(from_line if number == 0 else 1)
        try:
            refused += _import(remote, name, sent)
        except _Stopped as error:
            left = " ".join(map(shlex.quote, files[number:]))
            remote.end(error.code, f"{error}; go on with --from-line {sent.next_line} {left}")
    if refused:
        remote.end(REFUSED, f"{refused} were refused")


@dataclass(slots=True)
class _Sent:
    """How much of a file was sent: all before a line."""

    next_line: int


def _import(remote: AuditRemote, name: str, sent: _Sent) -> int:
    """Send what is left of a file; how many lines were refused. Raises _Stopped."""
    refused = 0
    try:
        with counting(name, None) as count, _open(name) as file:
            lines = _lines(file)
            first = sent.next_line
            for batch in _batches(line for line in lines if line.number >= first):
                refused += _send(remote, name, batch)
                sent.next_line = batch[-1].number + 1
                count.add(len(batch))
    except Unreachable as error:
        raise _Stopped(UNREACHABLE, str(error)) from error
    except KeyboardInterrupt:
        raise _Stopped(INTERRUPTED, "stopped") from None
    except (EOFError, gzip.BadGzipFile, zlib.error, OSError) as error:
        raise _Stopped(REFUSED, f"{name} cannot be read: {error}") from error
    return refused


def _open(name: str) -> BufferedIOBase:
    """The file, decompressed if it is."""
    try:
        file = cast("BufferedReader", click.open_file(name, "rb"))
        head = file.peek(len(_GZIP))
    except OSError as error:
        raise click.ClickException(f"{name}: {error.strerror}") from None
    return gzip.open(file) if head.startswith(_GZIP) else file


def _lines(file: BufferedIOBase) -> Iterator[Line]:
    """The events of a file; blank lines are none."""
    lines = ((number, text.strip()) for number, text in enumerate(file, 1))
    number, first = next(((number, text) for number, text in lines if text), (0, b""))
    if first.startswith(b"["):
        yield from _items(first + b"\n" + file.read())
    elif first:
        yield Line(number, first)
        yield from (Line(each, text) for each, text in lines if text)


def _items(text: bytes) -> Iterator[Line]:
    """The items of a JSON array, which is in memory as a whole."""
    try:
        for number, (_, source) in enumerate(strict_json.items(strict_json.text_of(text)), 1):
            yield Line(number, source.encode(errors="surrogatepass"))
    except strict_json.NotJson as error:
        raise click.ClickException(f"the array is not JSON: {error}") from None


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    size = 0
    for line in lines:
        if batch and (len(batch) == BATCH_EVENTS or size + len(line.text) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line.text)
    if batch:
        yield batch


def _send(remote: AuditRemote, name: str, batch: Sequence[Line]) -> int:
    """Send a batch until it is stored, less the lines that are refused; how many these are."""
    if not batch:
        return 0
    answer = _answer(remote, batch)
    if answer is None:
        return 0
    bad = {each["index"]: _rule(each) for each in answer.get("errors") or () if "index" in each}
    if not bad and len(batch) > 1:
        # One of them is no JSON, or they have too many values together: it is not said which.
        half = len(batch) // 2
        return _send(remote, name, batch[:half]) + _send(remote, name, batch[half:])
    bad = bad or {0: str(answer.get("detail"))}
    for index, rule in sorted(bad.items()):
        click.echo(f"{name}: line {batch[index].number}: {escape_controls(rule)}", err=True)
    left = [line for index, line in enumerate(batch) if index not in bad]
    return len(bad) + _send(remote, name, left)


def _answer(remote: AuditRemote, batch: Sequence[Line]) -> dict[str, Any] | None:
    """What is wrong with a batch; None once it is stored. Raises Unreachable, _Stopped."""
    body = b"[" + b",".join(line.text for line in batch) + b"]"
    for _ in range(TRIES):
        response = remote.ask("POST", "/", data=body, headers={"Content-Type": BATCH})
        if response.ok:
            return None
        if response.status_code in _REFUSALS:
            return _problem(response)
        if response.status_code < _OURS:
            raise _Stopped(REFUSED, problem_of(response))
        time.sleep(pause(response.headers.get("Retry-After", "")))
    raise Unreachable(f"{remote.url} answered {response.status_code} for {TRIES} times")


def pause(text: str) -> float:
    """Seconds of `Retry-After`, which may be a date, or very long."""
    return min(float(text), MOST_RETRY_SECONDS) if text.isdecimal() else RETRY_SECONDS


def _problem(response: Response) -> dict[str, Any]:
    """The problem document, or what stands for one: a proxy may refuse a body that is too long."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"detail": problem_of(response)}


def _rule(error: dict[str, Any]) -> str:
    attribute = error.get("attribute")
    return f"{attribute}: {error['rule']}" if attribute else str(error["rule"])
