"""The page in a browser: its section of the report, measured by itself.

`python -m bench.report.in_browser` writes it into docs, and leaves the rest as it is.
"""

import sys
from pathlib import Path

import click

from bench.machine import browser
from bench.measures.page import Sizes, measure
from bench.report import section

HEADING, FOLLOWING = "## The page in a browser\n", "## Evidence\n"


@click.command(context_settings={"show_default": True})
@click.option("--events", default=1_000_000, help="In the log.")
@click.option("--rounds", default=20, help="How often each is measured.")
@click.option("--rows", default=100_000, help="That are scrolled through.")
@section.output_option
def main(*, events: int, rounds: int, rows: int, output: Path) -> None:
    """Measure it, write it into the report, and print it."""
    if not browser.is_there():
        sys.exit(browser.HOW_TO_GET_IT)
    with section.measuring() as (workspace, progress):
        found = measure(workspace, Sizes(events, rounds, rows), progress)
    click.echo(section.write(output, HEADING, FOLLOWING, "in_browser.md.jinja", in_browser=found))


if __name__ == "__main__":
    main()
