"""Search: its section of the page, measured by itself.

`python -m bench.report.query` writes it into docs, and leaves the rest of the page as it is.
"""

from pathlib import Path

import click

from bench.measures import search
from bench.measures.rounds import Budget
from bench.report import section

HEADING, FOLLOWING = "## Search\n", "## The page in a browser\n"


@click.command(context_settings={"show_default": True})
@click.option("--events", default=1_000_000, help="Of the largest log.")
@click.option("--rounds", default=3, help="How often ingest is measured.")
@click.option("--seconds", default=5.0, help="For each load in each round.")
@section.output_option
def main(*, events: int, rounds: int, seconds: float, output: Path) -> None:
    """Measure it, write it into the page, and print it."""
    sizes = [size for size in (10_000, 100_000, 1_000_000) if size < events] + [events]
    with section.measuring() as (workspace, progress):
        searched = search.measure(workspace, sizes, Budget(rounds, seconds), progress)
    click.echo(section.write(output, HEADING, FOLLOWING, "search.md.jinja", searched=searched))


if __name__ == "__main__":
    main()
