"""`GET /` of each service leads to what it says, and leaves events and the handshake alone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

import audit_service
import user_service
from audit_service.settings import Settings as AuditSettings
from tests.support import processes
from user_service.settings import Settings as UserSettings

EVENT = {"ce-id": "1", "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def audit_app(tmp_path: Path) -> Iterator[Flask]:
    app = audit_service.create_app(AuditSettings(database_url=f"sqlite:///{tmp_path}/events.db"))
    yield app
    app.close()


@pytest.fixture
def user_app(tmp_path: Path) -> Iterator[Flask]:
    app = user_service.create_app(UserSettings(database_url=f"sqlite:///{tmp_path}/users.db"))
    yield app
    app.close()


@pytest.fixture
def behind_a_proxy(tmp_path: Path) -> Iterator[str]:
    """URL of a service that trusts its clients as proxies."""
    trusted = {"AUDIT_SERVICE_TRUSTED_PROXIES": "127.0.0.1"}
    with processes.audit_service(tmp_path, **trusted) as service:
        yield service.url


@pytest.mark.parametrize(
    ("service", "name"), [("audit_app", "Audit service"), ("user_app", "User service")]
)
def test_every_link_of_a_service_is_answered(
    service: str, name: str, request: pytest.FixtureRequest
) -> None:
    app: Any = request.getfixturevalue(service)
    client = app.test_client()
    page = client.get("/").get_json()
    assert page["name"] == name
    assert {client.get(url).status_code for url in page["links"].values()} == {200}
    assert client.get("/", headers=BROWSER).mimetype == "text/html"


def test_events_and_the_handshake_are_at_the_same_path(audit_app: Flask) -> None:
    client = audit_app.test_client()
    assert client.post("/", headers={**EVENT, **BROWSER}).status_code == 204
    answer = client.options("/")
    assert answer.status_code == 204
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}
    assert set(client.put("/").headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}


def is_immutable(answer: requests.Response) -> bool:
    return "immutable" in answer.headers.get("Cache-Control", "")


def test_below_a_proxys_prefix_every_link_and_file_is_answered(behind_a_proxy: str) -> None:
    with requests.Session() as proxy:
        proxy.headers["SCRIPT_NAME"] = "/audit"

        def get(path: str) -> requests.Response:
            assert path.startswith("/audit/")
            return proxy.get(behind_a_proxy + path, timeout=10)

        links = get("/audit/").json()["links"]
        assert {get(url).status_code for url in links.values()} == {200}
        assert get(links["openapi"]).json()["servers"] == [{"url": "/audit"}]
        files = re.findall(r'(?:src|href)="([^"]*)"', get(links["docs"]).text)
        assert files
        answers = [get(url) for url in files]
        assert {answer.status_code for answer in answers} == {200}
        kept = [url for url, answer in zip(files, answers, strict=True) if is_immutable(answer)]
        # Beside them the document itself, for who runs no scripts.
        assert kept == [url for url in files if "/assets/" in url]
