"""Evidence: its section of the page, measured by itself.

`python -m bench.report.evidence` writes it into docs, and leaves the rest of the page as it is.
"""

import time
from pathlib import Path

import click

from bench.machine.workspace import CACHE, a_workspace
from bench.measures import evidence
from bench.measures.rounds import Budget
from bench.report import page

HEADING, FOLLOWING = "## Evidence\n", "## Memory under bombs\n"


@click.command(context_settings={"show_default": True})
@click.option("--events", default=1_000_000, help="In the log.")
@click.option("--rounds", default=3, help="How often each is measured.")
@click.option("--seconds", default=5.0, help="For each load in each round.")
@click.option(
    "--output",
    default="docs",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where performance.md is.",
)
def main(*, events: int, rounds: int, seconds: float, output: Path) -> None:
    """Measure it, write it into the page, and print it."""
    began = time.monotonic()
    CACHE.mkdir(exist_ok=True)
    with a_workspace() as workspace:
        found = evidence.measure(
            workspace,
            events,
            Budget(rounds, seconds),
            lambda line: click.echo(f"{time.monotonic() - began:6.0f} s  {line}", err=True),
        )
    section = page.environment().get_template("evidence.md.jinja").render(signing=found)
    page.replace_section(output, HEADING, FOLLOWING, section)
    click.echo(section)


if __name__ == "__main__":
    main()
