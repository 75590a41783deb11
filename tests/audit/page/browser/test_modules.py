"""Modules of the page say of a text what Python says of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from audit_service.page.visible import short, visible
from tests.support.browser import Pages
from tests.support.page_service import HOSTILE
from tests.support.processes import Service

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "search_text.json").read_text())
TEXTS = [
    "",
    "plain",
    "tab\tand\nlines\r",
    HOSTILE,
    "\x00\x07\x1b[31m\x7f\x85\x9f",
    "\u00ad\u061c\u200b\u200f\u2028\u202e\u2060\u2069\ufeff\ufff9",
    "e\u0301 \U0001f469\u200d\U0001f469 \u05d0\u05d1",
    "x" * 200,
    "x" * 201,
    "\U0001f600" * 150,
    "\U0001f600" * 200,
    "\U0001f600" * 201,
    "x" * 199 + "\U0001f600" * 2,
    "x" * 1000,
]
# As a module of the page itself would import it.
CALL = """async ([module, name, argument]) => {
    const main = document.querySelector("script[type='module']").src;
    return (await import(new URL(module, main).href))[name](argument);
}"""


@pytest.fixture
def page(service: Service, pages: Pages) -> Page:
    """A page whose modules can be imported."""
    return pages.open(service.url)


def test_the_search_bar_reads_and_writes_as_the_service_does(page: Page) -> None:
    for vector in VECTORS:
        pairs: Any = page.evaluate(CALL, ["search_text.js", "parse", vector["text"]])
        assert pairs == vector["pairs"], vector
        if pairs is not None:
            text = page.evaluate(CALL, ["search_text.js", "written", pairs])
            assert text == vector.get("written", vector["text"])


def test_a_text_is_made_visible_as_the_service_does_it(page: Page) -> None:
    for text in TEXTS:
        assert page.evaluate(CALL, ["visible.js", "visible", text]) == visible(text)
        assert page.evaluate(CALL, ["visible.js", "short", text]) == short(text)
