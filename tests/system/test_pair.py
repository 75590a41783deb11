"""The main job, end to end: a user is made, its event is found in the audit log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from structlog.testing import capture_logs

import audit_service
import user_service
from audit_service.settings import Settings as AuditSettings
from tests.support import processes
from tests.support.ports import free_port
from tests.support.served_app import served
from user_service.settings import Settings as UserSettings

OZZY = {"name": "Ozzy Osbourne", "password": "12345"}


@pytest.fixture
def audit_url(tmp_path: Path) -> Iterator[str]:
    app = audit_service.create_app(AuditSettings(database_url=f"sqlite:///{tmp_path}/events.db"))
    with served(app) as url:
        yield url
    app.close()


@pytest.fixture
def user_url(tmp_path: Path, audit_url: str) -> Iterator[str]:
    settings = UserSettings(database_url=f"sqlite:///{tmp_path}/users.db", sink=audit_url)
    app = user_service.create_app(settings)
    with served(app) as url:
        yield url
    app.close()


def test_both_apps_in_one_process_pass_the_event_over_http(user_url: str, audit_url: str) -> None:
    with capture_logs() as lines:
        made = requests.post(f"{user_url}/v1/user", json=OZZY, timeout=10)
    assert made.status_code == 201
    user = made.json()
    (record,) = requests.get(f"{audit_url}/v1/events", timeout=10).json()["items"]
    event = record["event"]
    assert event["data"] == {"id": user["id"]}
    assert (event["subject"], event["subjectversion"]) == (user["id"], "1")
    found = (
        f"Found {event['id']} from github.com/eminetto/post-cloudevents "
        "with type user.storeUser and specversion 1.0"
    )
    assert found in [line["event"] for line in lines]


def test_with_the_audit_service_gone_no_user_is_made(tmp_path: Path) -> None:
    sink = f"http://127.0.0.1:{free_port()}/"
    with processes.user_service(tmp_path, sink) as users:
        answer = requests.post(f"{users.url}/v1/user", json=OZZY, timeout=3)
        assert answer.status_code == 500
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["outcome"] == "not-delivered"
    assert b"Ozzy" not in (tmp_path / "users.db").read_bytes()


def test_users_and_events_survive_killing_both_services(tmp_path: Path) -> None:
    with (
        processes.audit_service(tmp_path) as audit,
        processes.user_service(tmp_path, audit.url) as users,
    ):
        location = requests.post(f"{users.url}/v1/user", json=OZZY, timeout=10).headers["Location"]
        for service in (users, audit):
            service.kill()
            service.start()
        user = requests.get(f"{users.url}{location}", timeout=10).json()
        (record,) = processes.stored_events(audit.url)
        assert record["event"]["subject"] == user["id"]
        found = [line for line in audit.lines() if line["message"].startswith("Found ")]
        assert [line["position"] for line in found] == [record["position"]]
