"""POST /v1/user: the response, the event, the stored password."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from tests.support.sink_server import Received, Sink, answering, open_sink
from tests.support.user_api import ARTICLE, JSON, PROBLEM, created, post
from tests.user.conftest import MakeApp, Query
from user_service.settings import Settings

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def rows(query: Query) -> list[tuple[Any, ...]]:
    return query("SELECT name, password_hash FROM users")


# Response


def test_the_articles_curl_is_answered_201_with_the_user_and_where_it_is(
    client: FlaskClient,
) -> None:
    answer = post(client, ARTICLE)
    user = answer.get_json()
    assert answer.status_code == 201
    assert answer.content_type == JSON
    assert list(user) == ["id", "name", "created_at", "updated_at"]
    assert user["id"] == str(uuid.UUID(user["id"]))
    assert user["name"] == "Ozzy Osbourne"
    assert answer.headers["Location"] == f"/v1/user/{user['id']}"


def test_a_user_is_created_now_and_updated_then_too(client: FlaskClient) -> None:
    user = created(client)
    assert RFC3339.fullmatch(user["created_at"])
    assert user["updated_at"] == user["created_at"]
    at = datetime.fromisoformat(user["created_at"])
    assert timedelta() <= datetime.now(UTC) - at < timedelta(minutes=1)


def test_the_user_is_found_where_location_says(client: FlaskClient) -> None:
    answer = post(client, ARTICLE)
    found = client.get(answer.headers["Location"])
    assert found.status_code == 200
    assert found.get_json() == answer.get_json()


@pytest.mark.parametrize(
    "user_id", ["x", "01890a5d-ac96-774b-bcce-b302099a8057", "%00", "%F0%9F%A6%87", "a" * 4000]
)
def test_a_user_that_is_not_there_is_404(client: FlaskClient, user_id: str) -> None:
    answer = client.get(f"/v1/user/{user_id}")
    assert (answer.status_code, answer.content_type) == (404, PROBLEM)


# Event


def test_one_event_is_posted_for_a_user(client: FlaskClient, sink: Sink) -> None:
    created(client)
    (event,) = sink.received
    assert event.line == "POST / HTTP/1.1"


def test_the_event_has_these_attributes_and_no_others(client: FlaskClient, sink: Sink) -> None:
    user = created(client)
    (event,) = sink.received
    attributes = {k: v for k, v in event.headers.items() if k.startswith("ce-")}
    time = attributes.pop("ce-time")
    event_id = attributes.pop("ce-id")
    assert attributes == {
        "ce-specversion": "1.0",
        "ce-type": "user.storeUser",
        "ce-source": "github.com/eminetto/post-cloudevents",
        "ce-subject": user["id"],
        "ce-partitionkey": user["id"],
        "ce-subjectversion": "1",
    }
    assert RFC3339.fullmatch(time)
    assert datetime.fromisoformat(time) == datetime.fromisoformat(user["created_at"])
    assert event_id == str(uuid.UUID(event_id))
    assert uuid.UUID(event_id).version == 7  # which rises in time: a log files it cheaply
    assert event_id != user["id"]


def test_the_events_data_is_the_users_id_and_nothing_else(client: FlaskClient, sink: Sink) -> None:
    user = created(client)
    (event,) = sink.received
    assert event.headers["content-type"] == JSON
    assert event.body == f'{{"id": "{user["id"]}"}}'.encode()


def test_every_event_has_an_id_of_its_own(client: FlaskClient, sink: Sink) -> None:
    created(client)
    created(client)
    first, second = sink.received
    assert first.headers["ce-id"] != second.headers["ce-id"]


def test_the_source_is_a_setting(make_app: MakeApp, sink: Sink) -> None:
    created(make_app(sink=sink.url, event_source="/somewhere?else#here").test_client())
    assert sink.received[0].headers["ce-source"] == "/somewhere?else#here"


def test_the_sinks_path_query_and_credentials_are_used(make_app: MakeApp, sink: Sink) -> None:
    url = f"http://me:secret@127.0.0.1:{sink.port}/in?x=1"
    created(make_app(sink=url).test_client())
    (event,) = sink.received
    assert event.line == "POST /in?x=1 HTTP/1.1"
    assert event.headers["authorization"] == "Basic bWU6c2VjcmV0"


def test_a_proxy_of_the_environment_is_not_used(
    client: FlaskClient, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    created(client)
    assert len(sink.received) == 1


def test_a_valid_traceparent_is_passed_on(client: FlaskClient, sink: Sink) -> None:
    created(client, {"traceparent": TRACEPARENT})
    assert sink.received[0].headers["ce-traceparent"] == TRACEPARENT


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "x",
        TRACEPARENT.upper(),
        TRACEPARENT + "-00",
        "01" + TRACEPARENT[2:],
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        f"{TRACEPARENT},{TRACEPARENT}",
    ],
)
def test_an_invalid_traceparent_is_dropped(
    client: FlaskClient, sink: Sink, traceparent: str
) -> None:
    created(client, {"traceparent": traceparent})
    assert "ce-traceparent" not in sink.received[0].headers


# Password


def test_the_password_is_kept_as_an_argon2id_hash_by_owasps_parameters(
    make_app: MakeApp, sink: Sink, query: Query
) -> None:
    costs = {
        name: Settings.model_fields[name].default
        for name in ("argon2_memory_kib", "argon2_iterations")
    }
    created(make_app(sink=sink.url, **costs).test_client())
    ((_, password_hash),) = rows(query)
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_same_password_is_kept_as_two_different_hashes(
    client: FlaskClient, query: Query
) -> None:
    created(client)
    created(client)
    (_, first), (_, second) = rows(query)
    assert first != second


def _everything_said(answer: TestResponse, logged: list[Any], events: list[Received]) -> str:
    return repr((answer.data, list(answer.headers), logged, events))


def test_the_password_is_in_no_reply_log_line_event_or_file(
    client: FlaskClient, sink: Sink, query: Query, tmp_path: Path
) -> None:
    password = "correct-horse-battery"
    body = {"name": "Ozzy", "password": password}
    with capture_logs() as logged:
        answer = post(client, body, {"Idempotency-Key": "a-key"})
    assert answer.status_code == 201
    assert logged
    assert password not in _everything_said(answer, logged, sink.received)
    kept = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    kept += [
        repr(query(f"SELECT * FROM {table}")).encode()
        for table in ("users", "intents", "idempotency_keys")
    ]
    assert any(b"$argon2id$" in each for each in kept)
    assert not any(password.encode() in each for each in kept)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": 1},
        {"name": "Ozzy", "unknown": 1},
        {"name": "Ozzy", "password": ["correct-horse-battery"]},
        {"name": "Ozzy", "password": "correct-horse-battery" * 100},
        {"name": "Ozzy", "password": "correct-horse-battery\ud800"},
        {},
    ],
)
def test_the_password_is_in_no_reply_or_log_line_of_a_refusal(
    client: FlaskClient, sink: Sink, wrong: dict[str, Any]
) -> None:
    password = "correct-horse-battery"
    with capture_logs() as logged:
        answer = post(client, {"password": password, **wrong})
    assert 400 <= answer.status_code < 500
    assert password not in _everything_said(answer, logged, sink.received)


def test_the_password_is_in_no_reply_or_log_line_when_the_sink_fails(make_app: MakeApp) -> None:
    password = "correct-horse-battery"
    with open_sink(answering(500)) as failing:
        client = make_app(sink=failing.url).test_client()
        with capture_logs() as logged:
            answer = post(client, {"name": "Ozzy", "password": password})
        assert answer.status_code == 500
        assert password not in _everything_said(answer, logged, failing.received)
