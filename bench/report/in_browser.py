"""The page in a browser: its section of the report, measured by itself.

`python -m bench.report.in_browser` writes it into docs, and leaves the rest as it is.
"""

import sys
import time
from pathlib import Path

import click

from bench.machine import browser
from bench.machine.workspace import CACHE, a_workspace
from bench.measures.page import Sizes, measure
from bench.report import page

HEADING, FOLLOWING = "## The page in a browser\n", "## Evidence\n"


@click.command(context_settings={"show_default": True})
@click.option("--events", default=1_000_000, help="In the log.")
@click.option("--rounds", default=20, help="How often each is measured.")
@click.option("--rows", default=100_000, help="That are scrolled through.")
@click.option(
    "--output",
    default="docs",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where performance.md is.",
)
def main(*, events: int, rounds: int, rows: int, output: Path) -> None:
    """Measure it, write it into the report, and print it."""
    if not browser.is_there():
        sys.exit(browser.HOW_TO_GET_IT)
    began = time.monotonic()
    CACHE.mkdir(exist_ok=True)
    with a_workspace() as workspace:
        found = measure(
            workspace,
            Sizes(events, rounds, rows),
            lambda line: click.echo(f"{time.monotonic() - began:6.0f} s  {line}", err=True),
        )
    section = page.environment().get_template("in_browser.md.jinja").render(in_browser=found)
    page.replace_section(output, HEADING, FOLLOWING, section)
    click.echo(section)


if __name__ == "__main__":
    main()
