"""Screenshot of the page, for README.md: `python -m bench.screenshot`, from the top of the
repository.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from bench.contenders import servers
from bench.load import arrivals, shop
from bench.machine import browser
from bench.machine.workspace import CACHE, a_workspace
from bench.measures.page import SIZE, wait_for_index
from service_kit.clock import to_microseconds

EVENTS: Final = 6000
DAYS: Final = 7
LAST: Final = to_microseconds(datetime(2026, 11, 27, 17, 40, tzinfo=UTC))
SHOWN: Final = EVENTS - shop.SENT_AGAIN + 1
"""The position of the event beside the list: it conflicts with an earlier one."""


@click.command(context_settings={"show_default": True})
@click.option("--output", default="docs/page.png", type=click.Path(path_type=Path, dir_okay=False))
def main(*, output: Path) -> None:
    """Write the screenshot: of the same events each time, in light colours, in UTC."""
    if not browser.is_there():
        sys.exit(browser.HOW_TO_GET_IT)
    CACHE.mkdir(exist_ok=True)
    moments = arrivals.moments(EVENTS, DAYS, LAST)
    with a_workspace() as workspace, workspace.folder() as folder:
        arrivals.fill(folder / "events.db", shop.events(moments), moments)
        with servers.audit(workspace, f"sqlite:///{folder}/events.db") as (audit,):
            wait_for_index(audit)
            _take(f"{audit.url}/?show={SHOWN}", output)


def _take(url: str, output: Path) -> None:
    with (
        browser.running() as chromium,
        chromium.new_context(
            viewport=SIZE,
            color_scheme="light",
            locale="en-GB",
            reduced_motion="reduce",
            timezone_id="UTC",
        ) as context,
    ):
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector("#histogram canvas")
        page.wait_for_function("performance.getEntriesByName('rows-shown').length > 0")
        page.screenshot(path=output, animations="disabled")


if __name__ == "__main__":
    main()
