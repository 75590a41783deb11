"""Command `audit-service export`: events that match, into a file."""

import gzip
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

import click

from audit_service.cli.audit_remote import AuditRemote
from audit_service.cli.checkpoint import checkpoint_of
from audit_service.cli.filter_options import Filters, filter_options
from service_kit.cli.remote import REFUSED, UNREACHABLE, Unreachable, chunks, url_option
from service_kit.cli.terminal import Count, counting

CHUNK_BYTES: Final = 256 * 1024
FORMATS: Final = {".ndjson": "ndjson", ".csv": "csv", ".parquet": "records"}
STANDARD_OUTPUT: Final = "-"
SILENT_SECONDS: Final = 300.0


@click.command()
@filter_options
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="The file: .ndjson, .csv, either with .gz after it, or .parquet; `-`: standard output.",
)
@click.option(
    "--records", is_flag=True, help="With position, arrival and so on, in place of events alone."
)
@url_option
def export(filters: Filters, *, output: str, records: bool) -> None:
    """All events that match, in the order of their arrival, by their names as NDJSON, CSV or
    Parquet."""
    written = "records" if records else _format(output)
    remote = AuditRemote()
    try:
        with counting("events", remote.count(filters)) as count:
            download = Download(remote, filters, written, count)
            if output == STANDARD_OUTPUT:
                download.into(sys.stdout.buffer)
            else:
                with _whole(Path(output)) as partial:
                    _write(download, Path(output), partial)
        if (newest := checkpoint_of(remote)) is not None:
            click.echo(f"A checkpoint to keep, for `verify --since`:\n{newest}", err=True, nl=False)
    except Unreachable as error:
        remote.end(UNREACHABLE, str(error))
    except OSError as error:
        remote.end(REFUSED, f"{output}: {error.strerror}")


@dataclass(frozen=True, slots=True)
class Download:
    """An export that is about to be read."""

    remote: AuditRemote
    filters: Filters
    written: str
    count: Count

    def into(self, out: IO[bytes]) -> None:
        """Read all of it into a file. Raises Unreachable where it breaks off."""
        response = self.remote.stream(
            "/v1/export",
            (*self.filters, ("format", self.written)),
            timeout=(30.0, SILENT_SECONDS),
        )
        for chunk in chunks(response, CHUNK_BYTES):
            out.write(chunk)
            self.count.add(chunk.count(b"\n"))


def _format(output: str) -> str:
    suffix = Path(output.removesuffix(".gz")).suffix
    if output == STANDARD_OUTPUT:
        return "ndjson"
    if suffix not in FORMATS or (suffix == ".parquet" and output.endswith(".gz")):
        raise click.BadParameter(
            "must end with .ndjson, .csv, .ndjson.gz, .csv.gz or .parquet", param_hint="--output"
        )
    return FORMATS[suffix]


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """A file beside it, which takes its name once it is whole, and is gone otherwise."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _write(download: Download, file: Path, partial: Path) -> None:
    if file.suffix == ".parquet":
        from audit_service.cli import parquet

        lines = partial.with_name(f"{partial.name}.ndjson")
        try:
            with lines.open("wb") as out:
                replace(download, written="records").into(out)
            parquet.convert(lines, partial)
        finally:
            lines.unlink(missing_ok=True)
        return
    opened: Callable[..., Any] = gzip.open if file.suffix == ".gz" else open
    with opened(partial, "wb") as out:
        download.into(out)
