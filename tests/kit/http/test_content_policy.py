"""A page may use what is of this service alone; what is no page does nothing in a browser."""

from http import HTTPStatus
from typing import Any

import pytest
from flask import Response
from flask.testing import FlaskClient

from service_kit.http import app as service_app
from service_kit.http import content_policy
from service_kit.http.no_content import no_content

POLICY_OF_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def _fails() -> Any:
    raise RuntimeError


@pytest.fixture
def client() -> FlaskClient:
    app = service_app.create(__name__, title="Trial", version="1", problem_for={}, checks={})
    page = "<!doctype html><title>Trial</title>"
    app.get("/page", endpoint="page")(lambda: content_policy.html(page))
    app.get("/sorry", endpoint="sorry")(lambda: content_policy.html(page, HTTPStatus.FORBIDDEN))
    app.get("/text", endpoint="text")(lambda: Response("<script>", mimetype="text/plain"))
    app.get("/nothing", endpoint="nothing")(no_content)
    app.get("/fails", endpoint="fails")(_fails)
    return app.test_client()


@pytest.mark.parametrize(("path", "status"), [("/page", 200), ("/sorry", 403)])
def test_a_page_uses_nothing_of_another_host_nothing_inline_and_is_not_kept(
    client: FlaskClient, path: str, status: int
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (status, "text/html; charset=utf-8")
    assert answer.headers.getlist("Content-Security-Policy") == [POLICY_OF_PAGES]
    assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/livez", 200), ("/metrics", 200), ("/text", 200), ("/nowhere", 404), ("/fails", 500)],
)
def test_what_is_no_page_is_what_its_type_says_and_does_nothing(
    client: FlaskClient, path: str, status: int
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    policies = answer.headers.getlist("Content-Security-Policy")
    assert policies == ["default-src 'none'; frame-ancestors 'none'"]


def test_an_answer_without_content_has_no_policy(client: FlaskClient) -> None:
    headers = client.get("/nothing").headers
    assert {"Content-Security-Policy", "X-Content-Type-Options"}.isdisjoint(headers.keys())
