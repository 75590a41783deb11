"""Page: what a run measured, as Markdown, and its picture, as SVG.

The templates beside this file are their shapes and all of their text.
"""

import statistics
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from bench import suite
from bench.contenders import catalogue
from bench.load import searches, wrk
from bench.measures import (
    big_batch,
    evidence,
    growth,
    layers,
    memory,
    page,
    profile,
    search,
    slow_clients,
)
from bench.measures.memory import Answers
from bench.measures.spread import Spread
from bench.report.targets import targets
from bench.suite import Measurements

PAGE, PICTURE, MEMORY_PICTURE = "performance.md", "performance.svg", "memory.svg"


def write(measured: Measurements, folder: Path) -> str:
    """Write the page and its pictures into the folder; the text of the page."""
    templates = environment()
    folder.mkdir(parents=True, exist_ok=True)
    for name in (PAGE, PICTURE, MEMORY_PICTURE):
        text = templates.get_template(f"{name}.jinja").render(
            measured=measured,
            rates=measured.rates,
            under=measured.under_bombs,
            searched=measured.searched,
            in_browser=measured.in_browser,
            signing=measured.signing,
        )
        (folder / name).write_text(text, encoding="utf-8")
    return (folder / PAGE).read_text(encoding="utf-8")


def replace_section(folder: Path, heading: str, following: str, section: str) -> None:
    """Write a section into the page, where there is one, before the heading that follows it.

    Raises ValueError where the page has not that heading.
    """
    file = folder / PAGE
    if file.exists():
        text = file.read_text(encoding="utf-8")
        before, found, after = text.partition(following)
        if not found:
            raise ValueError(f"{file} has no heading {following.strip()}")
        before, _, _ = before.partition(heading)
        file.write_text(f"{before}{section}\n{following}{after}", encoding="utf-8")


def environment() -> Environment:
    """The templates, with what they call."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(["svg.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"spread": _spread, "median": statistics.median, "statuses": _statuses}
    modules = (
        big_batch,
        catalogue,
        evidence,
        growth,
        layers,
        memory,
        page,
        profile,
        search,
        searches,
        slow_clients,
        suite,
        wrk,
    )
    made.globals |= {module.__name__.rpartition(".")[2]: module for module in modules}
    made.globals["targets"] = targets
    return made


def _statuses(answers: Answers) -> str:
    """How many of each, the most frequent first."""
    return ", ".join(
        f"{status or 'no answer'}: {count:,}" for status, count in answers.statuses.most_common()
    )


def _spread(numbers: Spread | Iterable[float], digits: int = 0) -> str:
    spread = numbers if isinstance(numbers, Spread) else Spread(tuple(numbers))
    return spread.text(digits)
