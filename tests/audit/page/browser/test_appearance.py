"""Every view is accessible, in light and in dark, on a desk and on a phone."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.support import processes
from tests.support.browser import PHONE, Pages, accessible, row, rows, screenshot
from tests.support.page_service import Events
from tests.support.processes import Service

Scheme = Literal["light", "dark"]
Motion = Literal["reduce", "no-preference"]
GROUND = "getComputedStyle(document.body).backgroundColor"
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that nobody has sent anything."""
    with processes.audit_service(tmp_path_factory.mktemp("empty")) as started:
        yield started


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_accessible(seeded: Events, pages: Pages, view: str, scheme: Scheme) -> None:
    pages.expect("404", "422")
    page = pages.open(VIEWS[view](seeded), color_scheme=scheme)
    accessible(page)
    screenshot(page, f"{view}-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signing_in_is_accessible(controlled: Service, pages: Pages, scheme: Scheme) -> None:
    pages.expect("401")
    page = pages.open(f"{controlled.url}/?session=refused", color_scheme=scheme)
    expect(page.locator("#token")).to_be_visible()
    accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_empty_log_is_accessible(empty: Service, pages: Pages, scheme: Scheme) -> None:
    page = pages.open(empty.url, color_scheme=scheme)
    expect(page.locator("#first")).to_be_visible()
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
    expect(rows(page)).to_have_count(1)
    arrived = row(page, events.send())
    expect(arrived).to_have_class("arrived")
    assert arrived.evaluate("tr => getComputedStyle(tr).animationName !== 'none'") is moves
