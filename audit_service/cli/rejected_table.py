"""Rejected messages, as the command line shows them."""

import base64
import json
from collections.abc import Iterable
from typing import Any

import click

from audit_service.rejected import StoredRejection
from service_kit.cli.table import print_rows
from service_kit.clock import from_microseconds
from service_kit.logs import escape_controls

COLUMNS = ("id", "received_at", "from", "reason")


def as_document(rejection: StoredRejection) -> dict[str, Any]:
    """The message for programs; bytes as text where they are UTF-8, else in Base64."""
    message, origin = rejection.message, rejection.message.origin
    where = origin and {
        "topic": origin.topic,
        "partition": origin.partition,
        "offset": origin.offset,
    }
    return {
        "id": rejection.id,
        "received_at": _time(rejection.received_at),
        "kafka": where,
        "headers": [{"name": name, "value": _bytes(value)} for name, value in message.headers],
        "key": _bytes(message.key),
        "value": _bytes(message.value),
        "digest": message.digest.hex(),
        "reason": message.reason,
    }


def print_one(rejection: StoredRejection) -> None:
    """A line for each part of it, and for each of its headers."""
    for name, value in as_document(rejection).items():
        for line in value if isinstance(value, list) else [value]:
            click.echo(f"{name}: {escape_controls(_text(line))}")


def _bytes(value: bytes | None) -> Any:
    """Text where it is UTF-8, else an object with its Base64."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _time(microseconds: int) -> str:
    return from_microseconds(microseconds).isoformat(timespec="milliseconds")


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
        "received_at": _time(rejection.received_at),
        "from": f"{origin.topic}/{origin.partition}@{origin.offset}" if origin else "http",
        "reason": rejection.message.reason,
    }
