"""In the browser: what is measured of a page where people see it."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import Browser, CDPSession, Page, ViewportSize

MICROSECONDS: Final = 1000
"""In a millisecond: traces are in microseconds."""
LONG: Final = 50
"""Milliseconds of a task that people notice: https://www.w3.org/TR/longtasks-1/."""

# From the event's own time to what follows the frame that has the rows: its message is handled
# once that frame is made.
_SHOWN: Final = """() => {
  window.shown = new Promise((done) => {
    let began;
    const begin = (event) => { began ??= event.timeStamp; };
    addEventListener("click", begin, { capture: true, once: true });
    addEventListener("keydown", begin, { capture: true, once: true });
    const mark = performance.mark;
    performance.mark = (name) => {
      mark.call(performance, name);
      if (name !== "rows-shown" || began === undefined) return;
      performance.mark = mark;
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => done(performance.now() - began);
        port2.postMessage(null);
      });
    };
  });
}"""
_PAINTED: Final = """() => new Promise((done) => {
  new PerformanceObserver((list) => {
    const [paint] = list.getEntriesByName("first-contentful-paint");
    if (paint) done(paint.startTime);
  }).observe({ type: "paint", buffered: true });
})"""
_CATEGORIES: Final = ["toplevel", "blink.user_timing"]


@dataclass(frozen=True)
class Transferred:
    """Bytes of a visit as they were sent, heads included, of answers that ended: by what they are,
    such as `Document`, `Script`, `Fetch`.
    """

    bytes: Mapping[str, int]

    @property
    def of_page(self) -> int:
        """Of the page and its files, without what its scripts ask the API for."""
        return sum(count for kind, count in self.bytes.items() if kind != "Fetch")


@dataclass(frozen=True)
class LongestTask:
    """The longest of so many tasks of a page's main thread. `processor`: milliseconds of the one
    that took most of it; `long`: how many were longer than LONG.
    """

    milliseconds: float
    processor: float
    tasks: int
    long: int


def first_paint(browser: Browser, url: str, size: ViewportSize) -> float:
    """Milliseconds to the first contentful paint of one who was never there."""
    with browser.new_context(viewport=size) as context:
        page = context.new_page()
        page.goto(url)
        painted: float = page.evaluate(_PAINTED)
    return painted


def until_shown(page: Page, act: Callable[[], None]) -> float:
    """Milliseconds from the click or the key of `act` to the frame with the rows of the view."""
    page.evaluate(_SHOWN)
    act()
    shown: float = page.evaluate("window.shown")
    return shown


def longest_task(browser: Browser, page: Page, act: Callable[[], None]) -> LongestTask:
    """The longest task of the page's main thread while it does `act`."""
    browser.start_tracing(page=page, categories=_CATEGORIES)
    page.evaluate("performance.mark('here')")
    act()
    events = json.loads(browser.stop_tracing())["traceEvents"]
    (process,) = {one["pid"] for one in events if one["name"] == "here"}
    tasks = [*_tasks(events, process)]
    lengths = [one["dur"] / MICROSECONDS for one in tasks]
    return LongestTask(
        max(lengths),
        max(one.get("tdur", 0) for one in tasks) / MICROSECONDS,
        len(tasks),
        sum(length > LONG for length in lengths),
    )


def _tasks(events: list[dict[str, Any]], process: int) -> Iterator[dict[str, Any]]:
    (thread,) = {
        one["tid"]
        for one in events
        if one["name"] == "thread_name"
        and one["pid"] == process
        and one["args"]["name"] == "CrRendererMain"
    }
    for one in events:
        is_there = one["pid"] == process and one["tid"] == thread
        if is_there and one["name"].endswith("RunTask") and "dur" in one:
            yield one


def heap(page: Page) -> int:
    """Bytes that a page takes after a collection: of scripts, of the document, and buffers."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    session.detach()
    return int(
        sum(usage[name] for name in ("usedSize", "embedderHeapUsedSize", "backingStorageSize"))
    )


def transferred(browser: Browser, visit: Callable[[Page], None]) -> Transferred:
    """What a visit of one who was never there transfers."""
    with browser.new_context() as context:
        page = context.new_page()
        kinds: dict[str, str] = {}
        total: dict[str, int] = {}

        def on_end(event: dict[str, Any]) -> None:
            kind = kinds.get(event["requestId"], "Other")
            total[kind] = total.get(kind, 0) + int(event["encodedDataLength"])

        session: CDPSession = context.new_cdp_session(page)
        session.on(
            "Network.responseReceived",
            lambda event: kinds.update({event["requestId"]: event["type"]}),
        )
        session.on("Network.loadingFinished", on_end)
        session.send("Network.enable")
        visit(page)
    return Transferred(total)
