"""Hostile contents stay text, and do not freeze the page."""

import json
import time

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Pages, open_detail, row, rows, screenshot
from tests.support.page_service import ANSI, HOSTILE, Events

WITHIN_SECONDS = 1.0


SHOWN = "<script>alert(1)</script><img src=x onerror=alert(2)> ⟨U+202E⟩gpj.exe⟨U+200B⟩"


def answers(page: Page) -> bool:
    """Whether the page is not frozen."""
    began = time.monotonic()
    page.evaluate("true")
    return time.monotonic() - began < WITHIN_SECONDS


def test_scripts_marks_and_control_codes_stay_text(pages: Pages, events: Events) -> None:
    position = events.send(
        type=HOSTILE, subject=HOSTILE, hostile=HOSTILE, data={HOSTILE: [HOSTILE, {"a": ANSI}]}
    )
    conflict = events.send(id=HOSTILE, type=HOSTILE, data=HOSTILE)
    events.send(id=HOSTILE, type=HOSTILE, data="other")
    page = pages.open(events.page(column="ext.hostile"))
    for name in ("type", "subject", "ext.hostile"):
        expect(row(page, position).locator(f"[data-cell='{name}'] bdi")).to_have_text(SHOWN)
    detail = open_detail(page, position)
    for text in (SHOWN, "␛[31mred␛[2J"):
        expect(detail.locator(".tree")).to_contain_text(text)
    screenshot(page, "hostile")
    open_detail(page, conflict)
    expect(page.locator("#detail .conflict")).to_contain_text("⟨U+202E⟩")
    row(page, position).locator("[data-cell='type'] a.only").click()
    expect(page.locator("#chips")).to_contain_text("<script>")
    expect(rows(page)).to_have_count(3)
    expect(page.locator("main script, main img")).to_have_count(0)
    page.locator("#query").press("End")
    page.locator("#query").press_sequentially(" type=<s")
    expect(page.locator("#completions li").first).to_contain_text("<script>alert(1)")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"text": "x" * 1_000_000}, id="a-string-of-1-MB"),
        pytest.param({f"key{number}": number for number in range(10_000)}, id="10000-keys"),
        pytest.param("\u202e\x1b[31m" * 50_000, id="controls"),
        pytest.param(json.loads("[" * 60 + "]" * 60), id="nested"),
    ],
)
def test_large_contents_do_not_freeze_the_page(pages: Pages, events: Events, data: object) -> None:
    position = events.send(data=data)
    page = pages.open(events.page(column="data.text"))
    expect(row(page, position)).to_be_visible()
    row(page, position).locator("a.open").click()
    while not page.locator("#detail .data").is_visible():
        assert answers(page)
    assert answers(page)
