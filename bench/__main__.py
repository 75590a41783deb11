"""Command line: `python -m bench`, from the top of the repository."""

import signal
import sys
from pathlib import Path

import click

from bench import suite
from bench.load import wrk
from bench.machine.workspace import CACHE
from bench.measures.page import Sizes
from bench.measures.rounds import Broken, Budget
from bench.report import page
from bench.report.section import printed_progress
from bench.suite import Amounts

SMOKE = Amounts(
    Budget(rounds=1, seconds=0.3, warm_up=False, strict=True),
    sizes=(0, 2000),
    disk_events=2000,
    hashes=2,
    starts=1,
    kafka_events=0,
    bombs_seconds=0,
    writers_seconds=1,
    slow_clients=0.001,
    slow_seconds=0.1,
    search_sizes=(2000,),
    page=Sizes(events=2000, rounds=1, rows=1000),
    signed_events=2000,
)


def _sizes(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted(int(size) for size in text.split(",")))
    except ValueError:
        raise click.BadParameter("must be numbers with commas between them") from None


@click.command(context_settings={"show_default": True})
@click.option("--smoke", is_flag=True, help="Every part once, to fail where one is broken.")
@click.option("--rounds", default=3, help="How often each of them is measured.")
@click.option("--seconds", default=5.0, help="For each load in each round.")
@click.option("--sizes", default="0,1000000,5000000", callback=_sizes, help="Logs for growth.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where performance.md and performance.svg go: docs, or .bench/smoke.",
)
def main(
    *, smoke: bool, rounds: int, seconds: float, sizes: tuple[int, ...], output: Path | None
) -> None:
    """Measure everything and write performance.md and performance.svg."""
    if not wrk.is_there():
        sys.exit(wrk.HOW_TO_GET_WRK)
    # So that every block is left by its end, and what it started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    thorough = Amounts(
        Budget(rounds, seconds),
        sizes,
        disk_events=200_000,
        hashes=20,
        starts=5,
        kafka_events=100_000,
        bombs_seconds=300,
        writers_seconds=60,
        slow_clients=1,
        slow_seconds=15,
        search_sizes=(10_000, 100_000, 1_000_000),
        page=Sizes(events=1_000_000, rounds=20, rows=100_000),
        signed_events=1_000_000,
    )
    try:
        measured = suite.run(SMOKE if smoke else thorough, printed_progress())
    except Broken as reason:
        sys.exit(f"broken: {reason}")
    folder = output or (CACHE / "smoke" if smoke else Path("docs"))
    click.echo(page.write(measured, folder))


if __name__ == "__main__":
    main()
