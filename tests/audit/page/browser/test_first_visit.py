"""First visit: the page shows how to send, and then what was sent."""

from playwright.sync_api import expect

from tests.support.browser import Pages, row, run_as_shown
from tests.support.processes import Service

CLIPBOARD = ("clipboard-read", "clipboard-write")


def test_the_command_of_an_empty_log_sends_an_event_that_appears_by_itself(
    own_service: Service, pages: Pages
) -> None:
    page = pages.open(own_service.url, permissions=CLIPBOARD)
    expect(page.locator("#first")).to_be_visible()
    page.evaluate("globalThis.stays = true")
    page.locator("[data-copies='first-curl']").click()
    expect(page.locator("[data-copies='first-curl']")).to_have_text("Copied")
    command = page.evaluate("navigator.clipboard.readText()")
    assert own_service.url in command
    assert "204" in run_as_shown(command)
    expect(row(page, 1)).to_be_visible()
    expect(row(page, 1).locator("[data-cell='type']")).to_contain_text("greeting")
    expect(page.locator("#first")).to_be_hidden()
    assert page.evaluate("globalThis.stays")
