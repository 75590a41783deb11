"""POST /v1/user: accepted bodies, refused bodies."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.sink_server import Sink
from tests.support.user_api import ARTICLE, JSON, PROBLEM, post, refused
from tests.user.conftest import MakeApp, Query

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def rows(query: Query) -> list[tuple[Any, ...]]:
    return query("SELECT name, password_hash FROM users")


# Accepted bodies


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
        ("\u03b1\u0313\u0300\u0345" * 200, "\u1f82" * 200),
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
def test_a_password_of_1_to_1024_characters_is_accepted(client: FlaskClient, password: str) -> None:
    assert post(client, {"name": "x", "password": password}).status_code == 201


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", JSON.upper()])
def test_a_media_type_may_have_parameters_and_any_case(
    client: FlaskClient, content_type: str
) -> None:
    assert post(client, ARTICLE, {"Content-Type": content_type}).status_code == 201


# Refusals


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
        ({"name": "\u200b", "password": "p"}, ["/name"]),
        ({"name": "\ufeff\u00ad", "password": "p"}, ["/name"]),
        ({"name": "\u3164", "password": "p"}, ["/name"]),
        ({"name": "\u2800 \u115f", "password": "p"}, ["/name"]),
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
def test_an_invalid_body_is_422_with_a_pointer_to_each_fault(
    client: FlaskClient,
    nothing_happened: Callable[[], bool],
    body: bytes | dict[str, Any],
    pointers: list[str],
) -> None:
    problem = refused(post(client, body), 422)
    assert [error["pointer"] for error in problem["errors"]] == pointers
    assert all(error["detail"] for error in problem["errors"])
    assert nothing_happened()


def test_a_fault_is_described_by_a_sentence(client: FlaskClient) -> None:
    problem = refused(post(client, {"name": "", "password": "p"}), 422)
    assert problem["errors"] == [
        {
            "pointer": "/name",
            "detail": "must have 1 to 200 characters, not counting space around it",
        }
    ]


def test_the_least_length_of_a_password_is_a_setting(
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
        b"[" * 1000,
    ],
)
def test_a_body_that_is_not_json_is_400(
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


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
def test_a_body_with_a_content_encoding_is_415(
    client: FlaskClient, coding: str, nothing_happened: Callable[[], bool]
) -> None:
    refused(post(client, ARTICLE, {"Content-Encoding": coding}), 415)
    assert nothing_happened()


def test_a_body_declared_as_not_encoded_is_accepted(client: FlaskClient) -> None:
    assert post(client, ARTICLE, {"Content-Encoding": "identity"}).status_code == 201
