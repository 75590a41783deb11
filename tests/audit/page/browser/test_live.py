"""Live rows: shown as they arrive, unless the reader looks at something else."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browser import Pages, row, rows, rows_shown, screenshot
from tests.support.page_service import Events
from tests.support.processes import Service
from tests.support.waiting import wait_until

NEWEST = "Number(document.querySelector('#events tr[data-position]').dataset.position)"
HELD = "Number(document.getElementById('new').textContent.replace(/\\D/g, ''))"
# The row that a reader has before their eyes, and how far below the top of the list it is.
PLACE = """() => {
    const top = document.getElementById("scroller").getBoundingClientRect().top;
    const shown = [...document.querySelectorAll("#events tr[data-position]")];
    const first = shown.find((tr) => tr.getBoundingClientRect().top > top + 60);
    return [first.dataset.position, Math.round(first.getBoundingClientRect().top - top)];
}"""


def comes_true(page: Page, expression: str) -> None:
    """Return once it is so. Playwright's own way to wait needs `eval`, which the policy forbids."""
    wait_until(lambda: page.evaluate(expression), what=expression)


def newest(page: Page) -> int:
    """The position of the first row in the document."""
    return int(page.evaluate(NEWEST))


@pytest.fixture
def page(events: Events, pages: Pages) -> Page:
    """The page with a hundred events."""
    events.send_all([{}] * 100)
    page = pages.open(events.page())
    rows_shown(page)
    return page


def test_what_arrives_is_shown_at_once(page: Page, events: Events) -> None:
    expect(row(page, events.send())).to_be_visible()
    expect(page.locator("#new")).to_be_hidden()


def test_a_pause_holds_what_arrives_and_its_end_shows_it(page: Page, events: Events) -> None:
    before = newest(page)
    with events.arriving():
        comes_true(page, f"{NEWEST} > {before} + 100")
        page.locator("#pause").click()
        expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")
        at_pause = newest(page)
        comes_true(page, f"{HELD} > 400")
        assert newest(page) == at_pause
        screenshot(page, "paused")
        page.locator("#new").click()
        comes_true(page, f"{NEWEST} > {at_pause} + 400")
        expect(page.locator("#pause")).to_have_attribute("aria-pressed", "false")
    last = events.positions()[-1]
    expect(row(page, last)).to_be_visible()
    expect(page.locator("#new")).to_be_hidden()


def test_a_reader_who_has_scrolled_keeps_the_place(page: Page, events: Events) -> None:
    top = newest(page)
    page.locator("#scroller").evaluate("element => { element.scrollTop = 900; }")
    comes_true(page, f"({PLACE})()[0] < {top} - 30")
    before = page.evaluate(PLACE)
    with events.arriving():
        comes_true(page, f"{HELD} > 400")
        assert page.evaluate(PLACE) == before
        page.locator("#new").click()
        comes_true(page, "document.getElementById('scroller').scrollTop === 0")
        comes_true(page, f"{NEWEST} > {before[0]} + 400")


def test_none_is_missed_and_none_shown_twice(page: Page, events: Events) -> None:
    with events.arriving():
        comes_true(page, f"{NEWEST} > {newest(page)} + 300")
    stored = len(events.positions())
    expect(page.locator("#events")).to_have_attribute("aria-rowcount", str(stored + 1))


def test_rows_out_of_sight_leave_the_document(pages: Pages, events: Events) -> None:
    for _ in range(3):
        events.send_all([{}] * 1000)
    page = pages.open(events.page())
    expect(rows(page).first).to_be_visible()
    scroller = page.locator("#scroller")

    def reaches_the_end() -> bool:
        scroller.evaluate("element => { element.scrollTop = element.scrollHeight; }")
        return "This is all" in page.locator("#end").inner_text()

    wait_until(reaches_the_end)
    expect(page.locator("#events")).to_have_attribute("aria-rowcount", "3001")
    assert rows(page).count() < 150


def test_an_event_opens_without_moving_the_list(pages: Pages, events: Events) -> None:
    events.send_all([{}] * 300)
    page = pages.open(events.page())
    rows_shown(page)
    expect(page.locator("#end")).to_have_text("This is all.")
    page.locator("#scroller").evaluate("element => { element.scrollTop = 10 ** 6; }")
    oldest, second, *_ = events.positions()
    expect(row(page, oldest)).to_be_visible()
    before = page.evaluate(PLACE)
    row(page, second).locator("a.open").click()
    expect(page.locator("#detail article")).to_be_visible()
    assert page.evaluate(PLACE) == before


def test_whoever_scrolls_before_the_scripts_stays_there(pages: Pages, events: Events) -> None:
    events.send_all([{}] * 100)
    page = pages.open()
    held: list[Route] = []
    # The library marks the function that it is given, which one of the language cannot take.
    page.context.route("**/main.js", lambda route: held.append(route))  # noqa: PLW0108
    page.goto(events.page(), wait_until="commit")
    expect(row(page, events.positions()[-1])).to_be_visible()
    page.locator("#scroller").evaluate("element => { element.scrollTop = 400; }")
    before = page.evaluate(PLACE)[0]
    for route in held:
        route.continue_()
    rows_shown(page)
    assert page.evaluate(PLACE)[0] == before


def test_the_status_follows_the_log(page: Page, events: Events) -> None:
    count = page.locator("[data-status='events']")
    before = count.inner_text()
    events.send_all([{}] * 50)
    expect(count).not_to_have_text(before)
    expect(page.locator("[data-status='index']")).to_have_text(re.compile("up to date|behind"))


def test_a_lost_connection_is_said_and_comes_back_with_nothing_missed(
    own_service: Service, pages: Pages
) -> None:
    pages.expect("net::ERR", "EventSource")
    events = Events(own_service.url)
    events.send()
    page = pages.open(own_service.url)
    expect(row(page, 1)).to_be_visible()
    page.evaluate("globalThis.stays = true")
    own_service.terminate()
    expect(page.locator("#banner")).to_contain_text("lost")
    screenshot(page, "lost")
    own_service.start()
    events.send_all([{}] * 20)
    for position in (2, 21):
        expect(row(page, position)).to_be_visible()
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#announcement")).to_have_text("Connected again")
    assert rows(page).count() == 21
    assert page.evaluate("globalThis.stays")
