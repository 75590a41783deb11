"""Commands `audit-service search | show | tail`, over the HTTP API."""

import json
import time
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import click

from audit_service.cli.audit_remote import AuditRemote
from audit_service.cli.events_table import found_line, print_event, print_events
from audit_service.cli.filter_options import Filters, filter_options, with_absolute_times
from service_kit.cli.options import as_json
from service_kit.cli.remote import Response, Unreachable, lines, url_option
from service_kit.clock import now_in_microseconds

LAST: Final = 10
RETRY_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 45
"""Without even a comment after which a stream is taken for dead."""


@click.command()
@filter_options
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--oldest-first", is_flag=True, help="In the order of their arrival.")
@as_json
@url_option
def search(filters: Filters, *, limit: int, oldest_first: bool, as_json: bool) -> None:
    """Events that match, the newest first. With --json one record in each line."""
    order = "asc" if oldest_first else "desc"
    records = AuditRemote().events(filters, order, limit)
    if as_json:
        for record in records:
            click.echo(json.dumps(record, ensure_ascii=False))
    else:
        print_events(list(records))


@click.command()
@click.argument("position", type=click.IntRange(min=1))
@as_json
@url_option
def show(position: int, *, as_json: bool) -> None:
    """One event whole."""
    record = AuditRemote().get(f"/v1/events/{position}")
    if as_json:
        click.echo(json.dumps(record, ensure_ascii=False))
    else:
        print_event(record)


@click.command()
@filter_options
@click.option("-f", "--follow", is_flag=True, help="Go on with what arrives, until Ctrl-C.")
@click.option(
    "-n", "--lines", "number", type=click.IntRange(min=0), default=LAST, show_default=True
)
@as_json
@url_option
def tail(filters: Filters, *, follow: bool, number: int, as_json: bool) -> None:
    """The last events that match, as Found lines, or with --json as records."""
    remote = AuditRemote()
    # Else a stream that is begun again would leave out what came while there was none.
    filters = with_absolute_times(filters, now_in_microseconds())
    last = deque(remote.events(filters, "desc", number or 1)) if number or follow else deque()
    after = last[0]["position"] if last else 0
    shown = reversed(last) if number else iter(())
    found = chain(shown, _followed(remote, filters, after) if follow else ())
    for record in found:
        line = json.dumps(record, ensure_ascii=False) if as_json else found_line(record)
        click.echo(line)


def _followed(remote: AuditRemote, filters: Filters, after: int) -> Iterator[dict[str, Any]]:
    """What matches after a position, whatever becomes of the service meanwhile."""
    while True:
        try:
            response = remote.stream(
                "/v1/events/stream",
                (*filters, ("after", str(after))),
                timeout=(RETRY_SECONDS * 5, SILENT_SECONDS),
            )
            for position, record in _blocks(response):
                after = position
                if record is not None:
                    yield record
        except Unreachable:
            pass
        time.sleep(RETRY_SECONDS)


def _blocks(response: Response) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """The blocks of a stream that have an id, each with its record, if it has one.

    One that breaks off within a block has not sent it.
    """
    position, data = b"", b""
    for line in lines(response):
        if line.startswith(b"id: "):
            position = line.removeprefix(b"id: ")
        elif line.startswith(b"data: "):
            data = line.removeprefix(b"data: ")
        elif not line and position:
            yield int(position), json.loads(data) if data else None
            position, data = b"", b""
