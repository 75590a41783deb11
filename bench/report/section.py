"""Section of the page, measured by itself: the rest of the page stays as it is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bench.machine.workspace import CACHE, Workspace, a_workspace
from bench.measures.rounds import Progress
from bench.report import page

output_option = click.option(
    "--output",
    default="docs",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where performance.md is, and its figures go.",
)


@contextmanager
def measuring() -> Iterator[tuple[Workspace, Progress]]:
    """A workspace for a measure, and what prints how far it came."""
    CACHE.mkdir(exist_ok=True)
    with a_workspace() as workspace:
        yield workspace, printed_progress()


def printed_progress() -> Progress:
    """Lines on standard error, each with the seconds since now."""
    began = time.monotonic()
    return lambda line: click.echo(f"{time.monotonic() - began:6.0f} s  {line}", err=True)


def write(folder: Path, heading: str, following: str, template: str, **found: object) -> str:
    """Write what was found into the page, where there is one; the section's text.

    `following`: the heading after it.
    """
    section = page.environment().get_template(template).render(**found)
    page.replace_section(folder, heading, following, section)
    return section
