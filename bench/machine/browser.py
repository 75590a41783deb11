"""Browser: the system's Chromium without a window, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, sync_playwright

HOW_TO_GET_IT: Final = "no chromium on the PATH (Debian: chromium)"

# Root cannot have the sandbox; nothing of the browser's own is to be fetched.
_OPTIONS: Final = ("--no-sandbox", "--disable-background-networking")


def is_there() -> bool:
    """Whether there is a browser."""
    return shutil.which("chromium") is not None


@contextmanager
def running() -> Iterator[Browser]:
    """A browser, until the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=_OPTIONS
        )
        try:
            yield browser
        finally:
            browser.close()
