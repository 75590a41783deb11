"""Without scripts the list, its filters, its pages, the detail and the session work."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from audit_service.page import view
from tests.support.browser import Pages, open_detail, row, rows, screenshot
from tests.support.page_service import Events
from tests.support.processes import Service

Plain = Callable[[str], Page]
PAGE = int(view.ROWS)


@pytest.fixture
def plain(pages: Pages) -> Plain:
    """Opens a page in a browser that runs no scripts."""
    # As which it reports each script.
    pages.expect(".js: csp")
    return lambda url: pages.open(url, java_script_enabled=False)


def test_the_list_is_filtered_by_links_and_by_the_bar(plain: Plain, events: Events) -> None:
    first = events.send_all([{"type": "a"}, {"type": "b"}, {"type": "b"}])[0]
    page = plain(events.page())
    expect(rows(page)).to_have_count(3)
    row(page, first).locator("[data-cell='type'] a.not").click(force=True)
    expect(rows(page)).to_have_count(2)
    page.locator("#chips a", has_text="type=!a").click()
    expect(rows(page)).to_have_count(3)
    page.locator("#query").fill(f"source={events.source} type=a")
    page.get_by_role("button", name="Search").click()
    expect(rows(page)).to_have_count(1)
    assert page.url == events.page(type="a")
    for scripted in ("#histogram", "#pause", "#columns"):
        expect(page.locator(scripted)).to_be_hidden()


def test_older_ones_are_on_further_pages(plain: Plain, events: Events) -> None:
    events.send_all([{}] * (2 * PAGE + 20))
    newest_first = events.positions()[::-1]
    page = plain(events.page())
    for before in (0, PAGE):
        expect(rows(page)).to_have_count(PAGE)
        expect(row(page, newest_first[before])).to_be_visible()
        page.get_by_role("link", name="Older").click()
    expect(row(page, newest_first[-1])).to_be_visible()
    expect(rows(page)).to_have_count(20)
    expect(page.get_by_role("link", name="Older")).to_have_count(0)


def test_an_event_is_shown_and_closed(plain: Plain, events: Events) -> None:
    position = events.send(type="a", data={"b": 1})
    page = plain(events.page())
    detail = open_detail(page, position)
    expect(detail.locator(".tree")).to_contain_text("b")
    screenshot(page, "without-scripts")
    detail.locator("a.close").click()
    expect(page.locator("#detail")).to_be_hidden()


def test_a_session_begins_and_ends(
    plain: Plain, pages: Pages, controlled: Service, token: str
) -> None:
    pages.expect("401")
    position = Events(controlled.url, token).send()
    page = plain(controlled.url)
    page.locator("#token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(row(page, position)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#token")).to_be_visible()
