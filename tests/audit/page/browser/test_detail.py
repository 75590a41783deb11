"""An event is shown beside the list, whole, and can be taken along."""

import json

from playwright.sync_api import Page, expect

from tests.support.browser import UNSAFE_HOST, Pages, open_detail, row, run_as_shown, screenshot
from tests.support.page_service import Events
from tests.support.processes import Service

CLIPBOARD = ("clipboard-read", "clipboard-write")


def copied(page: Page, element: str) -> str:
    """What is on the clipboard after a click on the button that copies an element."""
    button = page.locator(f"[data-copies='{element}']")
    button.click()
    expect(button).to_have_text("Copied")
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_a_click_shows_an_event_and_another_closes_it(pages: Pages, events: Events) -> None:
    position = events.send(type="paid", subject="a", region="eu", data={"sum": [1, {"of": "x"}]})
    page = pages.open(events.page())
    detail = open_detail(page, position)
    assert f"show={position}" in page.url
    for text in (events.source, "paid", "region", "eu"):
        expect(detail.locator(".attributes")).to_contain_text(text)
    expect(detail.locator(".tree")).to_contain_text("of")
    expect(row(page, position)).to_have_class("shown")
    screenshot(page, "detail")
    detail.locator("a.close").click()
    expect(page.locator("#detail")).to_be_hidden()
    assert page.url == events.page()


def test_a_value_of_the_detail_filters_too(pages: Pages, events: Events) -> None:
    position = events.send_all([{"data": {"a": {"b": 1}}}, {"data": {"a": {"b": 2}}}])[0]
    page = pages.open(events.page())
    open_detail(page, position).locator(".tree a.only").click()
    page.wait_for_url("**data.a.b=1**")
    expect(row(page, position + 1)).to_have_count(0)
    expect(row(page, position)).to_be_visible()
    expect(page.locator("#detail article")).to_be_visible()


def test_bytes_are_shown_in_hexadecimal(pages: Pages, events: Events) -> None:
    text = events.text('"datacontenttype": "image/png"', '"data_base64": "iVBORw=="')
    events.send_text(text, "application/cloudevents+json")
    page = pages.open(events.page())
    detail = open_detail(page, events.positions()[-1])
    expect(detail.locator(".hex")).to_contain_text("89 50 4e 47")


def test_the_copied_curl_sends_the_very_event_again(pages: Pages, events: Events) -> None:
    position = events.send(subject='it\'s "here"', data={"sum": 0.5, "text": "$HOME `id` \\n"})
    page = pages.open(events.page(), permissions=CLIPBOARD)
    open_detail(page, position)
    assert "204" in run_as_shown(copied(page, "detail-curl"))
    assert events.positions() == [position]


def test_json_and_link_can_be_copied(pages: Pages, events: Events) -> None:
    position = events.send(subject="a", data={"sum": 1})
    page = pages.open(events.page(), permissions=CLIPBOARD)
    open_detail(page, position)
    assert json.loads(copied(page, "detail-json")) == events.records()[0]["event"]
    link = copied(page, "detail-link")
    alone = pages.open(link)
    expect(alone.locator("article")).to_have_attribute("data-position", str(position))
    screenshot(alone, "event")


def test_without_a_clipboard_the_text_is_selected(
    pages: Pages, events: Events, service: Service
) -> None:
    position = events.send(subject="a")
    page = pages.open(events.page().replace("127.0.0.1", UNSAFE_HOST))
    assert not page.evaluate("isSecureContext")
    open_detail(page, position)
    page.locator("[data-copies='detail-json']").click()
    expect(page.locator("[data-copies='detail-json']")).to_contain_text("Selected")
    selected = page.evaluate("getSelection().toString()")
    assert json.loads(selected) == events.records()[0]["event"]


def test_events_of_the_same_id_are_side_by_side_with_what_differs_marked(
    pages: Pages, events: Events
) -> None:
    first = events.send(id="1", type="paid", data={"sum": 100})
    second = events.send(id="1", type="paid", data={"sum": 190})
    page = pages.open(events.page(conflicts="true"))
    expect(row(page, second).locator("[data-mark='conflict']")).to_be_visible()
    expect(row(page, first)).to_have_count(0)
    conflict = open_detail(page, second).locator(".conflict")
    expect(conflict.locator("thead th")).to_have_text([str(first), str(second)])
    expect(conflict.locator("tr.differs")).to_have_count(1)
    expect(conflict.locator("tr.differs mark")).to_have_text(["0", "9"])
    screenshot(page, "conflict")
    conflict.locator("p a", has_text=str(first)).click()
    expect(page.locator("#detail article")).to_have_attribute("data-position", str(first))
    expect(page.locator("#detail .conflict")).to_be_visible()


def test_neighbours_of_a_subject_are_linked_and_a_gap_is_said(pages: Pages, events: Events) -> None:
    first, middle, last = events.send_all(
        [{"subject": "u", "subjectversion": version} for version in (1, 2, 5)]
    )
    page = pages.open(events.page())
    detail = open_detail(page, middle)
    expect(detail.locator(".gap")).to_have_text("2 versions missing")
    detail.locator("a[rel='next']").click()
    expect(page.locator("#detail article")).to_have_attribute("data-position", str(last))
    expect(page.locator("#detail a[rel='next']")).to_have_count(0)
    page.locator("#detail a[rel='prev']").click()
    expect(page.locator("#detail article")).to_have_attribute("data-position", str(middle))
    page.locator("#detail a[rel='prev']").click()
    expect(page.locator("#detail article")).to_have_attribute("data-position", str(first))
    expect(page.locator("#detail .gap")).to_have_count(0)


def test_an_event_that_is_not_there_is_said(pages: Pages, events: Events) -> None:
    pages.expect("404")
    events.send()
    page = pages.open(f"{events.url}/events/999999")
    expect(page.get_by_role("heading", name="Not Found")).to_be_visible()
    page.get_by_role("link", name="To the events").click()
    expect(page.locator("#events")).to_be_visible()
