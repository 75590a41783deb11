"""`/docs` of both services shows what can be asked for, in a browser that obeys the policy."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support import processes
from tests.support.browser import Pages, screenshot
from tests.support.processes import Service


@pytest.fixture
def pages(chromium: Browser) -> Iterator[Pages]:
    """Pages of this test, none of which may have a fault."""
    opened = Pages(chromium)
    yield opened
    opened.close()


@pytest.fixture(params=["audit-service", "user-service"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Each of the two."""
    folder = tmp_path_factory.mktemp("docs")
    made = (
        processes.audit_service(folder)
        if request.param == "audit-service"
        else processes.user_service(folder, "http://127.0.0.1:1/")
    )
    with made as started:
        yield started


def test_the_documentation_shows_the_operations(
    service: Service, pages: Pages, request: pytest.FixtureRequest
) -> None:
    page = pages.open(service.url)
    page.locator("a[href$='/docs']").first.click()
    page.wait_for_url("**/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    assert page.locator(".opblock").count() > 5
    page.locator(".opblock-summary-control").first.click()
    expect(page.locator(".opblock.is-open")).to_be_visible()
    screenshot(page, request.node.callspec.id)
