"""Rejected messages are kept, shown whole, and redriven or dropped after a question."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support import processes
from tests.support.browser import Pages, row, screenshot
from tests.support.page_service import HOSTILE, Events

ODD = '{"specversion": "1.0", "id": "1", "type": "t", "source": "/s", "Big_name": "x"}'


def rejection(page: Page, events: Events, number: int) -> None:
    """Go to a message, by the list."""
    page.goto(events.url)
    page.get_by_role("link", name="Rejected", exact=True).click()
    page.locator(f"[data-rejected='{number}'] a").click()
    page.wait_for_url(f"**/rejected/{number}")


def test_a_refused_message_is_listed_and_shown_whole(pages: Pages, events: Events) -> None:
    body = '{"specversion": "1.0", "id": "", "type": "t", "source": "/s"}'
    number = events.refuse(body)
    page = pages.open(f"{events.url}/rejected")
    expect(page.locator(f"[data-rejected='{number}']")).to_contain_text("id")
    screenshot(page, "rejected")
    rejection(page, events, number)
    expect(page.locator(".reason")).to_contain_text("id")
    expect(page.locator("article > pre")).to_have_text(body)
    expect(page.locator(".attributes")).to_contain_text("application/cloudevents+json")
    screenshot(page, "rejection")


def test_what_is_still_no_event_stays_and_says_why(pages: Pages, events: Events) -> None:
    pages.expect("409")
    number = events.refuse()
    page = pages.open()
    rejection(page, events, number)
    button = page.get_by_role("button", name="Redrive it")
    expect(button).to_be_hidden()
    page.locator("summary", has_text="Redrive").click()
    button.click()
    expect(page.locator("p.error")).to_contain_text("still refused")
    page.goto(f"{events.url}/rejected")
    expect(page.locator(f"[data-rejected='{number}']")).to_be_visible()


def test_what_the_rules_of_today_let_in_is_redriven(tmp_path: Path, pages: Pages) -> None:
    with processes.audit_service(tmp_path) as strict:
        number = Events(strict.url).refuse(ODD)
    with processes.audit_service(tmp_path, AUDIT_SERVICE_TOLERATE="attribute-names") as lenient:
        events = Events(lenient.url)
        page = pages.open()
        rejection(page, events, number)
        page.locator("summary", has_text="Redrive").click()
        page.get_by_role("button", name="Redrive it").click()
        expect(page.get_by_text("There are none.")).to_be_visible()
        page.goto(events.url)
        expect(row(page, 1).locator("[data-mark]")).to_have_text("attribute-names")
        page.close()


def test_what_is_dropped_is_gone(pages: Pages, events: Events) -> None:
    pages.expect("404")
    number = events.refuse()
    page = pages.open()
    rejection(page, events, number)
    button = page.get_by_role("button", name="Drop it")
    expect(button).to_be_hidden()
    page.locator("summary", has_text="Drop").click()
    button.click()
    page.wait_for_url(re.compile("/rejected$"))
    expect(page.locator(f"[data-rejected='{number}']")).to_have_count(0)
    page.goto(f"{events.url}/rejected/{number}")
    expect(page.locator("p.error")).to_contain_text("no rejected message")


def test_a_refused_message_stays_text(pages: Pages, events: Events) -> None:
    number = events.refuse(HOSTILE)
    page = pages.open()
    rejection(page, events, number)
    expect(page.locator("article > pre")).to_contain_text("<script>alert(1)</script>")
    expect(page.locator("article > pre")).to_contain_text("⟨U+202E⟩")
    expect(page.locator("article script, article img")).to_have_count(0)
