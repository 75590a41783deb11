"""Documentation of the API: Swagger UI, all of it served by the service itself."""

import re

import pytest
from flask.testing import FlaskClient

from service_kit.concurrency import run_here
from service_kit.http import api_docs, content_policy
from service_kit.http import app as service_app

PREFIXES = pytest.mark.parametrize("prefix", ["", "/audit"])


@pytest.fixture
def client() -> FlaskClient:
    app = service_app.create(__name__, title="A & B", version="1", problem_for={}, checks={})
    api_docs.register(app, run_here)
    return app.test_client()


def linked(page: str) -> list[str]:
    return re.findall(r'(?:src|href|data-document)="([^"]*)"', page)


def test_the_page_has_the_policy_of_pages_and_nothing_inline(client: FlaskClient) -> None:
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == content_policy.OF_PAGES
    assert "A &amp; B" in answer.text
    assert re.findall(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", answer.text) == []


@PREFIXES
def test_all_that_it_needs_is_served_here_behind_a_prefix_too(
    client: FlaskClient, prefix: str
) -> None:
    urls = linked(client.get("/docs", environ_overrides={"SCRIPT_NAME": prefix}).text)
    assert len(urls) == 6
    for url in urls:
        assert url.startswith(f"{prefix}/")
        answer = client.get(url.removeprefix(prefix), headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200, url


@PREFIXES
def test_the_document_is_about_the_service_as_its_client_has_it(
    client: FlaskClient, prefix: str
) -> None:
    client.get("/openapi.json", headers={"Host": "127.0.0.1"})
    document = client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": prefix}).get_json()
    assert document["servers"] == [{"url": prefix or "/"}]


def test_it_is_not_in_the_document_itself(client: FlaskClient) -> None:
    assert not [path for path in client.get("/openapi.json").get_json()["paths"] if "docs" in path]
