"""`GET /`: JSON to programs, a page to browsers."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service_kit.concurrency import run_here
from service_kit.http import api_docs, content_policy, landing_page
from service_kit.http import app as service_app
from service_kit.http.landing_page import DOCUMENTATION

ROOT = Path(__file__).parents[3]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


def client_of() -> FlaskClient:
    app = service_app.create(__name__, title="Trial", version="1", problem_for={}, checks={})
    api_docs.register(app, run_here)
    app.register_blueprint(landing_page.blueprint("A & B", "1.2", "Tries <things>"))
    return app.test_client()


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/json",
        "application/*",
        "text/csv",
        "application/json, text/html",
        "text/html;q=0.5, application/json",
        "text/html;q=0",
    ],
)
def test_programs_are_told_in_json(accept: str | None) -> None:
    answer = client_of().get("/", headers={} if accept is None else {"Accept": accept})
    assert answer.status_code == 200
    assert answer.get_json() == {
        "name": "A & B",
        "version": "1.2",
        "description": "Tries <things>",
        "links": {
            "openapi": "/openapi.json",
            "docs": "/docs",
            "livez": "/livez",
            "readyz": "/readyz",
            "metrics": "/metrics",
        },
        "documentation": list(DOCUMENTATION),
    }


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "text/*, application/json;q=0.9"])
def test_browsers_are_sent_a_page_that_lists_the_same(accept: str) -> None:
    answer = client_of().get("/", headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert answer.headers["Content-Security-Policy"] == content_policy.OF_PAGES
    assert "A &amp; B" in answer.text
    assert "Tries &lt;things&gt;" in answer.text
    for path in ("/openapi.json", "/docs", "/livez", "/readyz", "/metrics"):
        assert f'href="{path}"' in answer.text


@pytest.mark.parametrize("accept", [BROWSER, "*/*"])
def test_caches_are_told_what_the_answer_depends_on(accept: str) -> None:
    assert client_of().get("/", headers={"Accept": accept}).headers["Vary"] == "Accept"


@pytest.mark.parametrize("prefix", ["/audit", "/a/b"])
def test_behind_a_prefix_all_links_have_it(prefix: str) -> None:
    answer = client_of().get("/", environ_overrides={"SCRIPT_NAME": prefix})
    assert all(url.startswith(f"{prefix}/") for url in answer.get_json()["links"].values())


def test_a_head_has_the_headers_alone() -> None:
    answer = client_of().head("/", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "text/html", b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_405(method: str) -> None:
    answer = client_of().open("/", method=method)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_the_files_that_it_names_are_in_the_repository() -> None:
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")}
    assert set(DOCUMENTATION) == {"README.md", *pages}


def test_the_openapi_document_describes_both() -> None:
    document = client_of().get("/openapi.json").get_json()
    content = document["paths"]["/"]["get"]["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/html"}
