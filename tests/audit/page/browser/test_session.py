"""With access control a token opens a session, which ends when the reader or the token does."""

from playwright.sync_api import Page, expect

from tests.support.browser import Pages, row, rows_shown
from tests.support.page_service import Events, make_token
from tests.support.processes import Service

UNAUTHORIZED = "401"


def sign_in(page: Page, token: str) -> None:
    page.locator("#token").fill(token)
    page.get_by_role("button", name="Sign in").click()


def test_a_token_opens_a_session_and_sign_out_ends_it(
    controlled: Service, token: str, pages: Pages
) -> None:
    pages.expect(UNAUTHORIZED)
    events = Events(controlled.url, token)
    position = events.send()
    page = pages.open(controlled.url)
    expect(page.locator("#token")).to_be_visible()
    sign_in(page, token[:-1] + ("a" if token[-1] != "a" else "b"))
    expect(page.locator("p.error")).to_contain_text("none that holds")
    sign_in(page, token)
    expect(row(page, position)).to_be_visible()
    expect(page.locator(".session")).to_contain_text("everything")
    page.goto(f"{controlled.url}/?session=refused")
    expect(row(page, position)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#token")).to_be_visible()
    page.goto(events.page())
    expect(page.locator("#token")).to_be_visible()


def test_a_session_that_ends_meanwhile_is_said(controlled: Service, pages: Pages) -> None:
    pages.expect(UNAUTHORIZED, "EventSource", "net::ERR")
    page = pages.open(controlled.url)
    sign_in(page, make_token(controlled, "ends", "events:read"))
    expect(page.locator("#events")).to_be_visible()
    rows_shown(page)
    controlled.run_command("tokens", "revoke", "ends")
    expect(page.locator("#banner")).to_contain_text("session has ended")
    page.reload()
    expect(page.locator("#token")).to_be_visible()


def test_an_event_that_is_asked_for_after_the_session_is_said_too(
    controlled: Service, token: str, pages: Pages
) -> None:
    pages.expect(UNAUTHORIZED, "EventSource", "net::ERR")
    position = Events(controlled.url, token).send()
    page = pages.open(controlled.url)
    sign_in(page, token)
    expect(row(page, position)).to_be_visible()
    rows_shown(page)
    page.context.clear_cookies()
    row(page, position).locator("a.open").click()
    expect(page.locator("#detail")).to_contain_text("session has ended")


def test_what_a_token_may_not_do_is_not_offered(controlled: Service, pages: Pages) -> None:
    pages.expect(UNAUTHORIZED)
    page = pages.open(controlled.url)
    sign_in(page, make_token(controlled, "reader", "events:read"))
    expect(page.locator("#events")).to_be_visible()
    expect(page.locator("[data-export]")).to_have_count(0)
    expect(page.get_by_role("link", name="Rejected", exact=True)).to_have_count(0)
