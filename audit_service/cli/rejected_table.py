"""Rejected messages, as the command line shows them."""

import json
from collections.abc import Iterable
from typing import Any

import click

from audit_service.rejected import StoredRejection
from audit_service.rejected.document import as_document, time_text
from service_kit.cli.table import print_rows
from service_kit.logs import escape_controls

COLUMNS = ("id", "received_at", "from", "reason")


def print_one(rejection: StoredRejection) -> None:
    """A line for each part of it, and for each of its headers."""
    for name, value in as_document(rejection).items():
        for line in value if isinstance(value, list) else [value]:
            click.echo(f"{name}: {escape_controls(_text(line))}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def print_documents(messages: Iterable[StoredRejection]) -> None:
    """A JSON array of all of them, of which one is in memory at a time."""
    before = "["
    for rejection in messages:
        click.echo(before + json.dumps(as_document(rejection)), nl=False)
        before = ", "
    click.echo("[]" if before == "[" else "]")


def print_table(messages: Iterable[StoredRejection]) -> None:
    """A line for each of them."""
    print_rows([_row(rejection) for rejection in messages], COLUMNS, as_json=False)


def _row(rejection: StoredRejection) -> dict[str, Any]:
    origin = rejection.message.origin
    return {
        "id": rejection.id,
        "received_at": time_text(rejection.received_at),
        "from": f"{origin.topic}/{origin.partition}@{origin.offset}" if origin else "http",
        "reason": rejection.message.reason,
    }
