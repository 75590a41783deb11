"""All can be done without a mouse, and the focus is where one expects it."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Pages, row, rows, rows_shown, screenshot
from tests.support.page_service import Events

FOCUSED = "document.activeElement.closest('tr')?.dataset.position"


@pytest.fixture
def page(events: Events, pages: Pages) -> Page:
    """The page with three events."""
    events.send_all([{"type": "a"}, {"type": "b"}, {"type": "c"}])
    page = pages.open(events.page())
    rows_shown(page)
    return page


def test_j_and_k_go_down_and_up(page: Page, events: Events) -> None:
    first, second, third = events.positions()
    for key, position in (("j", third), ("j", second), ("j", first), ("j", first), ("k", second)):
        page.keyboard.press(key)
        assert page.evaluate(FOCUSED) == str(position)


def test_enter_opens_an_event_and_escape_goes_back_to_where_it_was(
    page: Page, events: Events
) -> None:
    second = events.positions()[1]
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#detail-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(row(page, second).locator("a.open")).to_be_focused()
    assert page.url == events.page()


def test_a_slash_goes_to_the_search_and_escape_leaves_it(page: Page, events: Events) -> None:
    page.keyboard.press("/")
    expect(page.locator("#query")).to_be_focused()
    expect(page.locator("#query")).to_have_value(f"source={events.source}")
    page.keyboard.press("End")
    page.keyboard.type(" type=b")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.evaluate(FOCUSED) == str(events.positions()[1])


def test_p_pauses_and_goes_on(page: Page, events: Events) -> None:
    page.keyboard.press("p")
    expect(page.locator("#pause")).to_have_text("Go on")
    position = events.send()
    expect(page.locator("#new")).to_have_text("1 new")
    page.keyboard.press("p")
    expect(row(page, position)).to_be_visible()
    expect(page.locator("#pause")).to_have_text("Pause")


def test_a_question_mark_shows_the_keys_and_escape_hides_them(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    screenshot(page, "keys")
    page.keyboard.press("j")
    assert page.evaluate(FOCUSED) is None
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def test_the_tab_key_reaches_filters_list_and_detail(page: Page, events: Events) -> None:
    """From the begin of the document to the end of the first row."""
    newest = events.positions()[-1]
    reached: list[str] = []
    while len(reached) < 60 and page.evaluate(FOCUSED) != str(newest):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.className")
        )
    assert reached[0] == "skip"
    assert [each for each in reached if each in {"query", "pause", "scroller", "open"}] == [
        "query",
        "pause",
        "scroller",
        "open",
    ]
