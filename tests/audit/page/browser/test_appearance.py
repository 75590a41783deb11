"""Every view is accessible, in light and in dark, on a desk and on a phone."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import PHONE, Pages, accessible, row, rows, rows_shown, screenshot
from tests.support.page_service import Events
from tests.support.processes import Service

Motion = Literal["reduce", "no-preference"]
SCHEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")
GROUND = "getComputedStyle(document.body).backgroundColor"
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"


@pytest.fixture(scope="module")
def seeded(service: Service) -> Events:
    """Events of every kind: a conflict, a gap, JSON and bytes; and a refused message."""
    events = Events(service.url)
    versions = [{"subject": "u", "subjectversion": each, "type": "user.made"} for each in (1, 4)]
    events.send_all([*versions, {"id": "1", "data": {"a": [1, "x", None, True]}, "region": "eu"}])
    events.send(id="1", data={"a": [2, "x", None, True]}, region="eu", subject="u")
    events.refuse()
    return events


VIEWS: Mapping[str, Callable[[Events], str]] = MappingProxyType(
    {
        "list": lambda events: events.page(column="ext.region"),
        "list-and-event": lambda events: events.page(show=str(events.positions()[1])),
        "conflict": lambda events: events.page(show=str(events.positions()[3])),
        "event": lambda events: f"{events.url}/events/{events.positions()[2]}",
        "rejected": lambda events: f"{events.url}/rejected",
        "rejection": lambda events: f"{events.url}/rejected/1",
        "wrong-filter": lambda events: f"{events.url}/?since=yesterday&colour=red",
        "nothing": lambda events: events.page(type="none"),
        "not-found": lambda events: f"{events.url}/events/999999",
    }
)


def is_accessible_in_light_and_dark(page: Page, name: str) -> None:
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        accessible(page)
        screenshot(page, f"{name}-{scheme}")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_accessible(seeded: Events, pages: Pages, view: str) -> None:
    pages.expect("404", "422")
    page = pages.open(VIEWS[view](seeded))
    if rows(page).count():
        rows_shown(page)
    is_accessible_in_light_and_dark(page, view)


def test_signing_in_is_accessible(controlled: Service, pages: Pages) -> None:
    pages.expect("401")
    page = pages.open(f"{controlled.url}/?session=refused")
    expect(page.locator("#token")).to_be_visible()
    is_accessible_in_light_and_dark(page, "sign-in")


def test_an_empty_log_is_accessible(own_service: Service, pages: Pages) -> None:
    page = pages.open(own_service.url)
    expect(page.locator("#first")).to_be_visible()
    is_accessible_in_light_and_dark(page, "empty")


def test_what_opens_above_the_list_is_accessible(seeded: Events, pages: Pages) -> None:
    page = pages.open(seeded.page())
    rows_shown(page)
    page.locator("#query").press_sequentially(" type=")
    expect(page.locator("#completions li").first).to_be_visible()
    page.locator("#query").press("ArrowDown")
    is_accessible_in_light_and_dark(page, "completions")
    page.locator("#query").press("Escape")
    page.get_by_role("button", name="Keys").click()
    expect(page.locator("#keys")).to_be_visible()
    is_accessible_in_light_and_dark(page, "keys")


def test_a_view_is_accessible_before_its_scripts_have_run(seeded: Events, pages: Pages) -> None:
    # Where scripts are off, those that look for faults would not run either.
    page = pages.open()
    page.context.route(
        "**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript")
    )
    page.goto(seeded.page(show=str(seeded.positions()[1])))
    expect(page.locator("#pause")).to_be_hidden()
    accessible(page)


def test_dark_is_dark_and_light_is_light(seeded: Events, pages: Pages) -> None:
    page = pages.open(seeded.page(), color_scheme="dark")
    dark = page.evaluate(GROUND)
    page.emulate_media(color_scheme="light")
    assert (dark, page.evaluate(GROUND)) == ("rgb(20, 23, 28)", "rgb(255, 255, 255)")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_fits_a_phone(seeded: Events, pages: Pages, view: str) -> None:
    pages.expect("404", "422")
    page = pages.open(VIEWS[view](seeded), viewport=PHONE, has_touch=True)
    if view == "list-and-event":
        accessible(page)
    needed, there = page.evaluate(WIDTHS)
    assert needed <= there
    screenshot(page, f"{view}-phone")


def test_on_a_phone_an_event_is_opened_and_closed(seeded: Events, pages: Pages) -> None:
    page = pages.open(seeded.page(), viewport=PHONE, has_touch=True)
    rows_shown(page)
    position = seeded.positions()[0]
    row(page, position).locator("a.open").tap()
    expect(page.locator("#detail article")).to_be_in_viewport()
    page.locator("#detail a.close").tap()
    expect(page.locator("#detail")).to_be_hidden()


@pytest.mark.parametrize(("motion", "moves"), [("reduce", False), ("no-preference", True)])
def test_nothing_moves_where_that_is_not_wanted(
    events: Events, pages: Pages, motion: Motion, *, moves: bool
) -> None:
    events.send()
    page = pages.open(events.page(), reduced_motion=motion)
    rows_shown(page)
    arrived = row(page, events.send())
    expect(arrived).to_have_class("arrived")
    assert arrived.evaluate("tr => getComputedStyle(tr).animationName !== 'none'") is moves
