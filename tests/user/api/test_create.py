"""POST /v1/user: what is answered, what is sent, what is kept, and what is refused."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from tests.support.sink_server import Received, Sink, answering, open_sink
from tests.support.user_api import ARTICLE, JSON, PROBLEM, created, post, refused
from tests.user.conftest import MakeApp, Query
from user_service.settings import Settings

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def rows(query: Query) -> list[tuple[Any, ...]]:
    return query("SELECT name, password_hash FROM users")


# What is answered


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


@pytest.mark.parametrize("user_id", ["x", str(uuid.uuid4()), "%00", "%F0%9F%A6%87", "a" * 4000])
def test_a_user_that_is_not_there_is_404(client: FlaskClient, user_id: str) -> None:
    answer = client.get(f"/v1/user/{user_id}")
    assert (answer.status_code, answer.content_type) == (404, PROBLEM)


# What is sent


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


# What is kept


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
        for table in ("users", "claims", "idempotency_keys")
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


# What is taken, and as what


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("x", "x"),
        ("  Ozzy Osbourne\t\n", "Ozzy Osbourne"),
        ("\u2003Ozzy\u00a0", "Ozzy"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("n" * 200, "n" * 200),
        (" " + "n" * 200 + " ", "n" * 200),
        ("e\u0301" * 200, "\u00e9" * 200),
        ("\U0001f987" * 200, "\U0001f987" * 200),
        ("Robert'); DROP TABLE users;--", "Robert'); DROP TABLE users;--"),
        ("\u0645\u0631\u062d\u0628\u0627", "\u0645\u0631\u062d\u0628\u0627"),
    ],
)
def test_a_name_is_kept_trimmed_and_in_normal_form_c(
    client: FlaskClient, query: Query, name: str, kept: str
) -> None:
    answer = post(client, {"name": name, "password": "p"})
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["name"] == kept
    assert [row[0] for row in rows(query)] == [kept]


@pytest.mark.parametrize("password", ["p", "p" * 1024, " ", "\x00\n", "\U0001f987" * 1024])
def test_a_password_of_1_to_1024_characters_is_taken(client: FlaskClient, password: str) -> None:
    assert post(client, {"name": "x", "password": password}).status_code == 201


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", JSON.upper()])
def test_the_media_type_may_have_parameters_and_any_case(
    client: FlaskClient, content_type: str
) -> None:
    assert post(client, ARTICLE, {"Content-Type": content_type}).status_code == 201


# What is refused


@pytest.fixture
def nothing_happened(sink: Sink, query: Query) -> Callable[[], bool]:
    return lambda: sink.received == [] and rows(query) == []


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name", "/password"]),
        ({"name": "x"}, ["/password"]),
        ({"name": "", "password": "p"}, ["/name"]),
        ({"name": " \t\u2003", "password": "p"}, ["/name"]),
        ({"name": "n" * 201, "password": "p"}, ["/name"]),
        ({"name": "\U0001f987" * 201, "password": "p"}, ["/name"]),
        ({"name": "a\nb", "password": "p"}, ["/name"]),
        ({"name": "a\x00b", "password": "p"}, ["/name"]),
        ({"name": "a\x1b[31mb", "password": "p"}, ["/name"]),
        ({"name": "a\x7fb", "password": "p"}, ["/name"]),
        ({"name": "a\x85b", "password": "p"}, ["/name"]),
        ({"name": "a\u2028b", "password": "p"}, ["/name"]),
        ({"name": "\ud800", "password": "p"}, ["/name"]),
        ({"name": "x\udfff", "password": "p"}, ["/name"]),
        ({"name": None, "password": "p"}, ["/name"]),
        ({"name": 1, "password": "p"}, ["/name"]),
        ({"name": ["x"], "password": "p"}, ["/name"]),
        ({"name": {"x": "y"}, "password": "p"}, ["/name"]),
        ({"name": True, "password": "p"}, ["/name"]),
        ({"name": "x", "password": ""}, ["/password"]),
        ({"name": "x", "password": "p" * 1025}, ["/password"]),
        ({"name": "x", "password": "\ud800"}, ["/password"]),
        ({"name": "x", "password": 12345}, ["/password"]),
        ({"name": "x", "password": None}, ["/password"]),
        ({"name": "x", "password": "p", "admin": True}, ["/admin"]),
        ({"name": "x", "password": "p", "id": "1"}, ["/id"]),
        ({"name": "x", "password": "p", "a/b~c": 1}, ["/a~1b~0c"]),
        ({"name": "", "password": "", "x": 1}, ["/name", "/password", "/x"]),
        ({"name": "x", "password": "p", "\ud800": 1}, [""]),
        (b"[1]", [""]),
        (b'"x"', [""]),
        (b"1", [""]),
    ],
)
def test_what_is_not_valid_is_422_with_a_pointer_to_each_fault(
    client: FlaskClient,
    nothing_happened: Callable[[], bool],
    body: bytes | dict[str, Any],
    pointers: list[str],
) -> None:
    problem = refused(post(client, body), 422)
    assert [error["pointer"] for error in problem["errors"]] == pointers
    assert all(error["detail"] for error in problem["errors"])
    assert nothing_happened()


def test_a_fault_is_told_as_a_sentence(client: FlaskClient) -> None:
    problem = refused(post(client, {"name": "", "password": "p"}), 422)
    assert problem["errors"] == [
        {
            "pointer": "/name",
            "detail": "must have 1 to 200 characters, not counting space around it",
        }
    ]


def test_how_short_a_password_may_be_is_a_setting(
    make_app: MakeApp, sink: Sink, nothing_happened: Callable[[], bool]
) -> None:
    client = make_app(sink=sink.url, password_min_length=8).test_client()
    problem = refused(post(client, {"name": "x", "password": "1234567"}), 422)
    assert [error["pointer"] for error in problem["errors"]] == ["/password"]
    assert "8" in problem["errors"][0]["detail"]
    assert nothing_happened()
    assert post(client, {"name": "x", "password": "12345678"}).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"name=x&password=p",
        b'{"name": "x", "password": "p"} x',
        b'{"name": "x", "password": "p",}',
        b"{'name': 'x', 'password': 'p'}",
        b'\xef\xbb\xbf{"name": "x", "password": "p"}',
        b'{"name": "\xff", "password": "p"}',
        '{"name": "x", "password": "p"}'.encode("utf-16"),
        b'{"name": NaN, "password": "p"}',
        b'{"name": "x", "password": "p", "x": -Infinity}',
        b'{"name": "x", "name": "y", "password": "p"}',
        b'{"name": "x", "n\\u0061me": "y", "password": "p"}',
        b'{"name": "x", "password": "p", "x": {"a": 1, "a": 1}}',
        b'{"name": "a\nb", "password": "p"}',
        b"[" * 30_000,
    ],
)
def test_what_is_not_json_is_400(
    client: FlaskClient, nothing_happened: Callable[[], bool], body: bytes
) -> None:
    refused(post(client, body), 400)
    assert nothing_happened()


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""]
)
def test_another_media_type_is_415(
    client: FlaskClient, nothing_happened: Callable[[], bool], content_type: str
) -> None:
    refused(post(client, ARTICLE, {"Content-Type": content_type}), 415)
    assert nothing_happened()


def test_a_body_of_64_kib_is_read_and_a_longer_one_is_413(
    client: FlaskClient, nothing_happened: Callable[[], bool]
) -> None:
    longest = ARTICLE[:-1].ljust(64 * 1024 - 1) + b"}"
    assert refused(post(client, longest + b" "), 413)["limit"] == 64 * 1024
    assert nothing_happened()
    assert post(client, longest).status_code == 201


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_another_method_is_405_and_says_which_are_allowed(client: FlaskClient, method: str) -> None:
    answer = client.open("/v1/user", method=method)
    assert (answer.status_code, answer.content_type) == (405, PROBLEM)
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_another_method_of_a_user_is_405_too(client: FlaskClient, method: str) -> None:
    answer = client.open(f"/v1/user/{uuid.uuid4()}", method=method)
    assert (answer.status_code, answer.content_type) == (405, PROBLEM)
    assert {"GET", "PATCH", "DELETE"} <= set(answer.headers["Allow"].split(", "))
