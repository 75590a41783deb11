"""Rows that a command prints: as a table for people, or as JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from service_kit.logs import escape_controls


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """All members of each row as a JSON array, or these columns of each as a line."""
    if as_json:
        click.echo(json.dumps([dict(row) for row in rows]))
        return
    lines = [columns, *([_cell(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def _cell(value: Any) -> str:
    return "-" if value is None else escape_controls(str(value))
