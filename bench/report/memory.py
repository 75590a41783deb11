"""Memory under bombs: its section of the page and its figure, measured by themselves.

`python -m bench.report.memory` writes both into docs, and leaves the rest of the page as it is.
"""

import sys
from pathlib import Path

import click

from bench.measures import memory
from bench.measures.memory import UnderBombs
from bench.report import page, section

HEADING, FOLLOWING = "## Memory under bombs\n", "## Start-up\n"


@click.command(context_settings={"show_default": True})
@click.option("--seconds", default=300.0, help="How long, at least; each bomb is thrown once.")
@section.output_option
def main(*, seconds: float, output: Path) -> None:
    """Measure it, write it into the page, and print it. Exit code 1 where a worker was lost, or
    took more than it may."""
    with section.measuring() as (workspace, progress):
        under = memory.measure(workspace, seconds, progress)
    click.echo(write(under, output))
    if not all(one.survived and one.peak < memory.BOUND_MIB for one in under.workers):
        sys.exit(1)


def write(under: UnderBombs, folder: Path) -> str:
    """Write the figure, and the section into the page where there is one; the section's text."""
    templates = page.environment()
    figure = templates.get_template(f"{page.MEMORY_PICTURE}.jinja").render(under=under)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / page.MEMORY_PICTURE).write_text(figure, encoding="utf-8")
    return section.write(folder, HEADING, FOLLOWING, "memory.md.jinja", under=under)


if __name__ == "__main__":
    main()
