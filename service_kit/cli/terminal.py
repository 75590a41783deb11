"""Terminal: tables, bars and progress that fit it, and plain text where there is none."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from rich import box
from rich.bar import Bar
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from service_kit.logs import escape_controls

WIDE: Final = 200
"""Characters of a line where there is no terminal."""
BAR_WIDTH: Final = 24


def console() -> Console:
    """The standard output: colours on a terminal only, and not with NO_COLOR."""
    found = Console(highlight=False, markup=False, emoji=False)
    return (
        found
        if found.is_terminal
        else Console(highlight=False, markup=False, emoji=False, width=WIDE, color_system=None)
    )


def table(columns: Sequence[str], whole: Mapping[str, int] = MappingProxyType({})) -> Table:
    """An empty table, of whose cells what does not fit is cut.

    `whole`: columns that are not, with how many characters they have at most.
    """
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, no_wrap=True, overflow="ellipsis", min_width=whole.get(column))
    return made


def plain_text(text: str) -> Text:
    """The text as a cell: nothing in it commands the terminal."""
    return Text(escape_controls(text))


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


class Count:
    """A count that is shown as it rises."""

    def __init__(self, progress: Progress, total: int | None, noun: str) -> None:
        self._progress = progress
        self._task = progress.add_task(noun, total=total)

    def add(self, number: int) -> None:
        """Count so many more."""
        self._progress.update(self._task, advance=number)


@contextmanager
def counting(noun: str, total: int | None) -> Iterator[Count]:
    """A bar on a terminal's standard error, nothing elsewhere. `total`: None where not known."""
    shown = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=shown, disable=not shown.is_terminal) as progress:
        yield Count(progress, total, noun)


def bar(value: int, most: int) -> Bar:
    """A bar as long as its share of the greatest value."""
    return Bar(max(most, 1), 0, value, width=BAR_WIDTH)
