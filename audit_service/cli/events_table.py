"""Events as the command line shows them: a table for people, or one of them whole."""

import json
from collections.abc import Sequence
from typing import Any

import click

from service_kit.cli.terminal import console, plain_text, table
from service_kit.logs import escape_controls

COLUMNS = ("position", "received", "type", "source", "subject", "id", "")


def print_events(records: Sequence[dict[str, Any]]) -> None:
    """A line for each, as wide as the terminal is."""
    shown = table(COLUMNS, {"position": 8, "received": 19})
    for record in records:
        event = record["event"]
        shown.add_row(
            *(
                plain_text(cell)
                for cell in (
                    str(record["position"]),
                    _moment(record["received_at"]),
                    event["type"],
                    event["source"],
                    event.get("subject") or "-",
                    event["id"],
                    _marks(record),
                )
            )
        )
    console().print(shown)


def print_event(record: dict[str, Any]) -> None:
    """A line for each part of it, and its data."""
    event = dict(record["event"])
    data = {name: event.pop(name) for name in ("data", "data_base64") if name in event}
    parts = {name: value for name, value in record.items() if name != "event"} | event
    for name, value in parts.items():
        click.echo(f"{name}: {escape_controls(_text(value))}")
    for name, value in data.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
        # Line by line: JSON escapes few of them, and has lines of its own.
        lines = [text] if isinstance(value, str) else text.split("\n")
        click.echo(f"{name}: " + "\n".join(map(escape_controls, lines)))


def found_line(record: dict[str, Any]) -> str:
    """The line that the service logs of it."""
    event = record["event"]
    return escape_controls(
        f"Found {event['id']} from {event['source']} with type {event['type']} "
        f"and specversion {event['specversion']}"
    )


def _moment(text: str) -> str:
    """To the second."""
    return text[:19].replace("T", " ")


def _marks(record: dict[str, Any]) -> str:
    conflict = record["conflicts_with"]
    marks = [] if conflict is None else [f"conflicts with {conflict}"]
    marks += record["tolerated"]
    marks += ["kafka"] if record["kafka"] else []
    return ", ".join(marks)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
