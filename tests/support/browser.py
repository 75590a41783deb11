"""Browser: the system's Chromium, driven by Playwright, and what no page may do in it."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    Request,
    WebError,
    expect,
    sync_playwright,
)

from tests.support.waiting import wait_until

HOW_TO_GET_IT: Final = "needs chromium on the PATH: install chromium"
UNSAFE_HOST: Final = "audit.test"
"""A name of this machine whose pages are not secure to a browser: they have no clipboard."""
PHONE: Final = {"width": 360, "height": 740}
DESK: Final = {"width": 1280, "height": 800}
# A machine that does much else is slow, which is no fault of a page.
PATIENCE_SECONDS: Final = 20

_ROOT: Final = Path(__file__).parents[2]
_AXE: Final = _ROOT / "tests" / "vendor" / "axe.min.js"
_SCREENS: Final = _ROOT / "build" / "screens"
_LEVELS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
# Root cannot have the sandbox, and nothing of the browser's own is to be fetched.
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-background-networking",
    f"--host-resolver-rules=MAP {UNSAFE_HOST} 127.0.0.1",
)
_WATCH_POLICY: Final = """document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`violates ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`))"""
_RUN_AXE: Final = """levels => axe.run({runOnly: levels, resultTypes: ["violations"]})
    .then(({violations}) => violations)"""
_HAS_ROWS: Final = "performance.getEntriesByName('rows-shown').length > 0"
_HAS_AXE: Final = "'axe' in globalThis"
# Of what a page no longer wants.
_ABORTED: Final = "net::ERR_ABORTED"


def is_there() -> bool:
    """Whether there is a browser to test with."""
    return shutil.which("chromium") is not None


@contextmanager
def running() -> Iterator[Browser]:
    """A browser without a window, until the end of the block."""
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Pages:
    """The pages of a test, each of a visitor who was never there.

    What they say on the console or in dialogs, what they throw, what fails to load and what the
    policy forbids are faults, unless the test has said that it expects them.
    """

    def __init__(self, browser: Browser) -> None:
        self.faults: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._expected: list[str] = []

    def open(self, url: str | None = None, **options: Any) -> Page:
        """A page, at a URL. `options`: of `Browser.new_context`."""
        usual: Mapping[str, Any] = {"viewport": DESK, "locale": "en-GB"}
        context = self._browser.new_context(**{**usual, **options})
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        context.add_init_script(_WATCH_POLICY)
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("requestfailed", self._on_failed)
        context.on("dialog", self._on_dialog)
        page = context.new_page()
        if url is not None:
            page.goto(url)
        return page

    def expect(self, *texts: str) -> None:
        """Take what has any of these texts in it for no fault."""
        self._expected += texts

    def close(self) -> None:
        """Close all of them. Fails where there was a fault."""
        for context in self._contexts:
            context.close()
        faults = [each for each in self.faults if not any(text in each for text in self._expected)]
        assert not faults, "\n".join(faults)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            place = message.location
            self.faults.append(f"{message.text} ({place['url']}:{place['lineNumber']})")

    def _on_error(self, error: WebError) -> None:
        self.faults.append(f"thrown: {error.error}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _on_failed(self, request: Request) -> None:
        if request.failure != _ABORTED:
            self.faults.append(f"{request.method} {request.url}: {request.failure}")


def accessible(page: Page) -> None:
    """Fail where axe-core finds anything of level A or AA of WCAG 2.2."""
    if not page.evaluate(_HAS_AXE):
        page.evaluate(_AXE.read_text())
    lines = [
        f"{rule['id']} ({rule['impact']}), {' '.join(map(str, node['target']))}: "
        f"{node['failureSummary']}\n  {node['html'][:200]}"
        for rule in page.evaluate(_RUN_AXE, list(_LEVELS))
        for node in rule["nodes"]
    ]
    assert not lines, "\n".join(lines)


def screenshot(page: Page, name: str) -> None:
    """Keep what is seen below `build/screens`."""
    page.screenshot(path=_SCREENS / f"{name}.png")


def row(page: Page, position: int) -> Locator:
    """The row of an event in the table."""
    return page.locator(f"#events tr[data-position='{position}']")


def rows(page: Page) -> Locator:
    """All rows of the table that are in the document."""
    return page.locator("#events tr[data-position]")


def rows_shown(page: Page) -> None:
    """Return once the page's own scripts have filled the table, in place of the service."""
    wait_until(lambda: page.evaluate(_HAS_ROWS), what="a table that scripts have filled")


def open_detail(page: Page, position: int) -> Locator:
    """The detail of an event, opened by a click."""
    row(page, position).locator("a.open").click()
    detail = page.locator(f"#detail article[data-position='{position}']")
    expect(detail).to_be_visible()
    return detail


def run_as_shown(command: str) -> str:
    """What a command prints that a reader copied into a shell."""
    return subprocess.run(
        ["sh", "-c", command], check=True, capture_output=True, text=True, timeout=30
    ).stdout
