"""Page: how soon one sees something in a browser, on a large log to which events are sent."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from typing import Any, Final

import requests
from playwright.sync_api import Browser, Page, ViewportSize

from bench.contenders import servers
from bench.load import arrivals, searches
from bench.load.beside import beside
from bench.machine import browser
from bench.machine.server_process import Running
from bench.machine.workspace import Workspace
from bench.measures import in_browser
from bench.measures.in_browser import LongestTask, Transferred
from bench.measures.rounds import Progress
from bench.measures.spread import Spread
from service_kit.clock import now_in_microseconds

RATE: Final = 200
DAYS: Final = 7
SIZE: Final[ViewportSize] = {"width": 1280, "height": 800}
MOST_PAINT, MOST_SHOWN, MOST_TASK, MOST_HEAP, MOST_BYTES = 500, 150, 50, 150_000_000, 150_000
"""Milliseconds, and bytes."""
QUERIES: Final = (
    "type=com.example.order.paid",
    "source=https://shop-7.example.com",
    'data.name="Ozzy Osbourne"',
    "Geezer Butler",
    "type=com.example.user.* source=https://shop-3.example.com",
)
# What is looked at before the next thing is done, by when all of the last is there.
_LOOK_SECONDS: Final = 1.0
_CLICKED: Final = ("type", "source", "subject")
_WHEEL: Final = 8000
"""Pixels of one turn."""
_PLACE: Final = """(value) => {
  const { x, y, height } = document.querySelector(value).getBoundingClientRect();
  return [x + 5, y + height / 2];
}"""
_ROWS: Final = "document.getElementById('events').ariaRowCount - 1"


@dataclass(frozen=True)
class Sizes:
    """Events in the log, how often each is measured, and rows that are scrolled through."""

    events: int
    rounds: int
    rows: int


@dataclass(frozen=True)
class InBrowser:
    """All of a run. `load`: of the machine in its last minute; `rate`: events a second that were
    stored meanwhile; milliseconds to the first
    contentful paint and from a click or a query to its rows; `heap`: bytes once all is scrolled.
    """

    sizes: Sizes
    load: float
    rate: float
    paint: Spread
    click: Spread
    query: Spread
    task: LongestTask
    heap: int
    visit: Transferred


def measure(workspace: Workspace, sizes: Sizes, progress: Progress) -> InBrowser:
    """The page of a log of that many events. Raises where there is no browser."""
    progress("the page in a browser")
    with workspace.folder() as folder:
        progress(f"filling a log with {sizes.events:,} events")
        moments = arrivals.moments(sizes.events, DAYS, now_in_microseconds())
        arrivals.fill(folder / "events.db", searches.events(sizes.events), moments)
        with servers.audit(workspace, f"sqlite:///{folder}/events.db") as (audit,):
            wait_for_index(audit)
            with _arriving(audit) as rate, browser.running() as chromium:
                return _measured(chromium, audit, sizes, rate, progress)


def wait_for_index(audit: Running) -> None:
    """Wait until all of the log is in the index."""
    while _status(audit)["index"]["lag"]:
        time.sleep(0.05)


@contextmanager
def _arriving(audit: Running) -> Iterator[Callable[[], float]]:
    """Events arrive; what is yielded tells how many a second."""
    with beside("bench.load.open_loop", audit.url, str(RATE)):
        began, before = time.monotonic(), _status(audit)["events"]
        yield lambda: (_status(audit)["events"] - before) / (time.monotonic() - began)


def _measured(
    chromium: Browser,
    audit: Running,
    sizes: Sizes,
    rate: Callable[[], float],
    progress: Progress,
) -> InBrowser:
    visit = in_browser.transferred(chromium, partial(_visit, audit=audit))
    paint = Spread(
        tuple(in_browser.first_paint(chromium, audit.url, SIZE) for _ in range(sizes.rounds))
    )
    progress(f"first contentful paint: {paint.text()} ms")
    with chromium.new_context(viewport=SIZE) as context:
        page = context.new_page()
        _visit(page, audit)
        acts = [partial(_click, page, name) for name in islice(cycle(_CLICKED), sizes.rounds)]
        click = Spread(tuple(_shown(page, act) for act in acts))
        texts = islice(cycle(QUERIES), sizes.rounds)
        query = Spread(tuple(_queried(page, text) for text in texts))
        progress(f"rows of a click: {click.text()} ms, of a query: {query.text()} ms")
        task = in_browser.longest_task(chromium, page, partial(_scroll, page, sizes.rows))
        heap = in_browser.heap(page)
        progress(f"{sizes.rows:,} rows: longest task {task.milliseconds:.0f} ms, {heap:,} bytes")
    return InBrowser(sizes, os.getloadavg()[0], rate(), paint, click, query, task, heap, visit)


def _visit(page: Page, audit: Running) -> None:
    page.goto(audit.url)
    page.wait_for_selector("#histogram canvas")
    time.sleep(_LOOK_SECONDS)


def _shown(page: Page, act: Callable[[], None]) -> float:
    milliseconds = in_browser.until_shown(page, act)
    time.sleep(_LOOK_SECONDS)
    page.go_back()
    time.sleep(_LOOK_SECONDS)
    return milliseconds


def _click(page: Page, column: str) -> None:
    """Click a value of the fifth row, whatever that is by then."""
    x, y = page.evaluate(_PLACE, f"#events tbody tr:nth-child(5) [data-cell={column}] a.only")
    page.mouse.click(x, y)


def _queried(page: Page, text: str) -> float:
    page.fill("#query", text)
    time.sleep(_LOOK_SECONDS)
    return _shown(page, lambda: page.keyboard.press("Enter"))


def _scroll(page: Page, rows: int) -> None:
    """Scroll back until there are so many rows."""
    page.mouse.move(SIZE["width"] / 2, SIZE["height"] * 3 / 4)
    while page.evaluate(_ROWS) < rows:
        page.mouse.wheel(0, _WHEEL)


def _status(audit: Running) -> dict[str, Any]:
    status: dict[str, Any] = requests.get(f"{audit.url}/v1/status", timeout=60).json()
    return status
