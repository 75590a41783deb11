"""Evidence: its section of the page, measured by itself.

`python -m bench.report.evidence` writes it into docs, and leaves the rest of the page as it is.
"""

from pathlib import Path

import click

from bench.measures import evidence
from bench.measures.rounds import Budget
from bench.report import section

HEADING, FOLLOWING = "## Evidence\n", "## Memory under bombs\n"


@click.command(context_settings={"show_default": True})
@click.option("--events", default=1_000_000, help="In the log.")
@click.option("--rounds", default=3, help="How often each is measured.")
@click.option("--seconds", default=5.0, help="For each load in each round.")
@section.output_option
def main(*, events: int, rounds: int, seconds: float, output: Path) -> None:
    """Measure it, write it into the page, and print it."""
    with section.measuring() as (workspace, progress):
        found = evidence.measure(workspace, events, Budget(rounds, seconds), progress)
    click.echo(section.write(output, HEADING, FOLLOWING, "evidence.md.jinja", signing=found))


if __name__ == "__main__":
    main()
