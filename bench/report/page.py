"""Page: what a run measured, as Markdown, and its picture, as SVG.

The templates beside this file are their shapes and all of their text.
"""

import statistics
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from bench import suite
from bench.contenders import catalogue
from bench.load import wrk
from bench.measures import growth, layers, profile
from bench.measures.spread import Spread
from bench.report.targets import targets
from bench.suite import Measurements

PAGE, PICTURE = "performance.md", "performance.svg"


def write(measured: Measurements, folder: Path) -> str:
    """Write the page and its picture into the folder; the text of the page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(["svg.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"spread": _spread, "median": statistics.median}
    modules = (catalogue, growth, layers, profile, suite, wrk)
    environment.globals |= {module.__name__.rpartition(".")[2]: module for module in modules}
    environment.globals["targets"] = targets
    folder.mkdir(parents=True, exist_ok=True)
    for name in (PAGE, PICTURE):
        text = environment.get_template(f"{name}.jinja").render(
            measured=measured, rates=measured.rates
        )
        (folder / name).write_text(text, encoding="utf-8")
    return (folder / PAGE).read_text(encoding="utf-8")


def _spread(numbers: Spread | Iterable[float], digits: int = 0) -> str:
    spread = numbers if isinstance(numbers, Spread) else Spread(tuple(numbers))
    return spread.text(digits)
