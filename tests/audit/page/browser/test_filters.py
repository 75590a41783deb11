"""The view is its URL, and everything that changes the view changes the URL."""

import csv
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Pages, row, rows, rows_shown, screenshot
from tests.support.page_service import Events


def pairs(page: Page) -> list[tuple[str, str]]:
    """What the URL asks for."""
    return parse_qsl(urlsplit(page.url).query)


def chips(page: Page) -> list[str]:
    """The filters that are shown above the list."""
    return page.locator("#chips bdi").all_inner_texts()


@pytest.fixture
def page(events: Events, pages: Pages) -> Page:
    """The page with four events: two paid, one sent, one of another subject."""
    events.send_all(
        [
            {"type": "order.paid", "subject": "a b", "region": "eu", "data": {"sum": 1}},
            {"type": "order.sent", "subject": "a b", "data": {"sum": 2}},
            {"type": "order.paid", "subject": "c", "data": {"sum": 3}},
            {"type": "user.made", "subject": 'say "yes"'},
        ]
    )
    page = pages.open(events.page())
    rows_shown(page)
    return page


def test_a_click_on_a_value_shows_those_that_have_it(page: Page, events: Events) -> None:
    first = events.positions()[0]
    row(page, first).locator("[data-cell='type'] a.only").click()
    expect(rows(page)).to_have_count(2)
    assert pairs(page) == [("source", events.source), ("type", "order.paid")]
    assert chips(page) == [f"source={events.source}", "type=order.paid"]


def test_a_click_beside_a_value_leaves_out_those_that_have_it(page: Page, events: Events) -> None:
    first = events.positions()[0]
    row(page, first).locator("[data-cell='subject']").hover()
    row(page, first).locator("[data-cell='subject'] a.not").click()
    expect(rows(page)).to_have_count(2)
    assert pairs(page)[-1] == ("subject", "!a b")


def test_back_and_forward_go_through_the_views(page: Page, events: Events) -> None:
    first = events.positions()[0]
    row(page, first).locator("[data-cell='type'] a.only").click()
    expect(rows(page)).to_have_count(2)
    row(page, first).locator("[data-cell='subject'] a.only").click()
    expect(rows(page)).to_have_count(1)
    page.go_back()
    expect(rows(page)).to_have_count(2)
    assert chips(page)[1:] == ["type=order.paid"]
    page.go_back()
    expect(rows(page)).to_have_count(4)
    page.go_forward()
    expect(rows(page)).to_have_count(2)
    expect(page.locator("#query")).to_have_value(f"source={events.source} type=order.paid")


def test_a_chip_takes_its_filter_away(page: Page, events: Events) -> None:
    row(page, events.positions()[0]).locator("[data-cell='type'] a.only").click()
    expect(rows(page)).to_have_count(2)
    page.locator("#chips a", has_text="type=order.paid").click()
    expect(rows(page)).to_have_count(4)
    assert pairs(page) == [("source", events.source)]


def test_the_bar_completes_names_and_values(page: Page, events: Events) -> None:
    query = page.locator("#query")
    query.fill(f"source={events.source} ")
    query.press("End")
    query.press_sequentially("ty")
    completions = page.locator("#completions li")
    expect(completions).to_have_text("type")
    query.press("Tab")
    expect(query).to_have_value(f"source={events.source} type=")
    query.press_sequentially("user.ma")
    expect(completions).to_have_text(re.compile("^user.made"))
    screenshot(page, "completions")
    query.press("ArrowDown")
    expect(completions).to_have_attribute("aria-selected", "true")
    query.press("Enter")
    expect(query).to_have_value(f"source={events.source} type=user.made ")
    query.press("Enter")
    expect(rows(page)).to_have_count(1)
    assert pairs(page) == [("source", events.source), ("type", "user.made")]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('subject="a b"', 2),
        ('subject="say ""yes"""', 1),
        ("type=order.*", 3),
        ("type=!order.*", 1),
        ("ext.region=eu", 1),
        ("data.sum=3", 1),
        ("paid", 2),
    ],
)
def test_what_the_bar_says_is_found(page: Page, events: Events, text: str, count: int) -> None:
    page.locator("#query").fill(f"source={events.source} {text}")
    page.locator("#query").press("Enter")
    expect(rows(page)).to_have_count(count)
    before = page.url
    expect(page.locator("#query")).to_have_value(f"source={events.source} {text}")
    page.reload()
    expect(rows(page)).to_have_count(count)
    assert page.url == before


def test_a_url_is_a_view(events: Events, pages: Pages) -> None:
    positions = events.send_all([{"type": "a"}, {"type": "b"}, {"type": "a", "region": "eu"}])
    view = {"type": "a", "column": "ext.region", "show": str(positions[2]), "group": "source"}
    page = pages.open(events.page(**view))
    for _ in range(2):
        expect(rows(page)).to_have_count(2)
        expect(page.locator("#detail article")).to_have_attribute(
            "data-position", str(positions[2])
        )
        expect(page.locator("[data-choice='group'][aria-current]")).to_have_text("source")
        expect(row(page, positions[2]).locator("[data-cell='ext.region']")).to_contain_text("eu")
        assert pairs(page) == [("source", events.source), *view.items()]
        page.reload()


def test_a_brush_on_the_histogram_sets_the_period(page: Page, events: Events) -> None:
    plot = page.locator("#histogram .u-over")
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 20, steps=5)
    page.mouse.up()
    page.wait_for_url("**since=**")
    asked = dict(pairs(page))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", asked["since"])
    assert asked["since"] < asked["until"]
    expect(rows(page)).to_have_count(4)
    page.locator("[data-period='']").click()
    page.wait_for_url(events.page())


def test_a_wrong_filter_says_what_is_wrong_with_it(pages: Pages, events: Events) -> None:
    pages.expect("422")
    events.send()
    page = pages.open(events.page())
    expect(rows(page)).to_have_count(1)
    page.locator("#query").fill("since=yesterday")
    page.locator("#query").press("Enter")
    expect(page.locator("p.error")).to_contain_text("since")
    expect(rows(page)).to_have_count(0)
    page.go_back()
    expect(rows(page)).to_have_count(1)
    expect(page.locator("p.error")).to_have_count(0)


def test_columns_are_of_extensions_and_of_data_with_numbers_as_they_were_written(
    events: Events, pages: Pages
) -> None:
    sums = '"data": {"sum": 0.10, "big": 12345678901234567890123}'
    events.send_text(events.text('"region": "eu"', sums), "application/cloudevents+json")
    (position,) = events.positions()
    page = pages.open(events.page())
    for name in ("region", "data.sum", "data.big"):
        page.locator("#column").fill(name)
        page.locator("#column").press("Enter")
        expect(page.locator("#column")).to_have_value("")
    expected = {"ext.region": "eu", "data.sum": "0.10", "data.big": "12345678901234567890123"}
    for name, text in expected.items():
        expect(row(page, position).locator(f"[data-cell='{name}'] bdi")).to_have_text(text)
    assert [value for name, value in pairs(page) if name == "column"] == list(expected)
    row(page, position).locator("[data-cell='data.sum'] a.only").click()
    page.wait_for_url("**data.sum=0.10**")
    expect(row(page, position)).to_be_visible()
    page.locator("thead [data-cell='ext.region'] a.remove").click()
    expect(page.locator("[data-cell='ext.region']")).to_have_count(0)


def test_times_are_local_or_utc_or_relative(events: Events, pages: Pages) -> None:
    events.send()
    moment = events.records()[0]["received_at"]
    page = pages.open(events.page(), timezone_id="Asia/Kathmandu")
    time = rows(page).locator("time")
    utc = f"{moment[:10]} {moment[11:23]}"
    expect(time).not_to_have_text(utc)
    expect(time).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$"))
    page.locator("[data-choice='times'][data-value='utc']").click()
    expect(time).to_have_text(utc)
    page.locator("[data-choice='times'][data-value='relative']").click()
    expect(time).to_have_text(re.compile("sec|now"))
    assert pairs(page)[-1] == ("times", "relative")
    expect(time).to_have_attribute("datetime", moment)


def test_what_is_filtered_can_be_downloaded(page: Page, events: Events, tmp_path: Path) -> None:
    row(page, events.positions()[0]).locator("[data-cell='type'] a.only").click()
    expect(rows(page)).to_have_count(2)
    for kind in ("ndjson", "csv"):
        with page.expect_download() as download:
            page.locator(f"[data-export='{kind}']").click()
        assert download.value.suggested_filename.endswith(f".{kind}")
        download.value.save_as(tmp_path / kind)
    lines = (tmp_path / "ndjson").read_text().splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["order.paid"] * 2
    with (tmp_path / "csv").open(newline="") as file:
        assert [each["type"] for each in csv.DictReader(file)] == ["order.paid"] * 2
