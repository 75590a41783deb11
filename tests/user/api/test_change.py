"""PATCH /v1/user/{id}: changes, their events, refusals."""

import json
import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.sink_server import Sink, in_turn, open_sink
from tests.support.user_api import JSON, attributes, created, patch, path, refused, story
from tests.user.conftest import MakeApp, Query

MERGE_PATCH = "application/merge-patch+json"


def name_of(client: FlaskClient, user: Any) -> str:
    name: str = client.get(path(user)).get_json()["name"]
    return name


def password_hash(query: Query) -> Any:
    ((kept,),) = query("SELECT password_hash FROM users")
    return kept


# Changes


@pytest.mark.parametrize("media_type", [JSON, MERGE_PATCH, f"{MERGE_PATCH}; charset=utf-8"])
def test_a_change_is_answered_with_the_user_as_they_are_now(
    client: FlaskClient, media_type: str
) -> None:
    user = created(client)
    answer = patch(client, user, {"Content-Type": media_type}, name="  Zoe\u0308 ")
    assert answer.status_code == 200
    changed = answer.get_json()
    assert changed == {**user, "name": "Zo\u00eb", "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > user["updated_at"]
    assert client.get(path(user)).get_json() == changed


def test_a_new_name_leaves_the_password_and_a_new_password_the_name(
    client: FlaskClient, query: Query
) -> None:
    user = created(client)
    first = password_hash(query)
    patch(client, user, name="Zoe")
    assert password_hash(query) == first
    patch(client, user, password="another")
    assert password_hash(query) != first
    assert password_hash(query).startswith("$argon2id$")
    assert name_of(client, user) == "Zoe"


def test_no_other_user_is_changed(client: FlaskClient) -> None:
    one, other = created(client), created(client)
    patch(client, one, name="Zoe")
    assert client.get(path(other)).get_json() == other


# Events


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"name": "Zoe"}, ["name"]),
        ({"password": "new-secret"}, ["password"]),
        ({"password": "new-secret", "name": "Zoe"}, ["name", "password"]),
        ({"password": "new-secret", "name": "Ozzy Osbourne"}, ["password"]),
    ],
)
def test_the_event_names_the_changed_fields_and_no_value(
    client: FlaskClient, sink: Sink, changes: dict[str, Any], names: list[str]
) -> None:
    user = created(client)
    answer = patch(client, user, **changes)
    assert answer.status_code == 200
    _, event = sink.received
    sent = attributes(event)
    assert sent.pop("time") == answer.get_json()["updated_at"]
    assert sent.pop("id") == str(uuid.UUID(event.headers["ce-id"]))
    assert sent == {
        "specversion": "1.0",
        "type": "user.updateUser",
        "source": "github.com/eminetto/post-cloudevents",
        "subject": user["id"],
        "partitionkey": user["id"],
        "subjectversion": "2",
    }
    assert event.headers["content-type"] == JSON
    assert json.loads(event.body) == {"id": user["id"], "changed": names}


@pytest.mark.parametrize("name", ["Ozzy Osbourne", "  Ozzy Osbourne\n"])
def test_the_name_that_the_user_has_already_is_no_change_and_no_event(
    client: FlaskClient, sink: Sink, name: str
) -> None:
    user = created(client)
    answer = patch(client, user, name=name)
    assert (answer.status_code, answer.get_json()) == (200, user)
    assert answer.headers["ETag"] == '"1"'
    assert story(sink) == [("user.storeUser", "1")]


def test_a_patch_of_nothing_is_no_change_and_no_event(client: FlaskClient, sink: Sink) -> None:
    user = created(client)
    answer = patch(client, user)
    assert (answer.status_code, answer.get_json()) == (200, user)
    assert story(sink) == [("user.storeUser", "1")]


def test_a_password_counts_as_a_change_even_where_it_is_the_same(
    client: FlaskClient, sink: Sink
) -> None:
    user = created(client, password="12345")
    for password in ("12345", "12345", "another"):
        assert patch(client, user, password=password).status_code == 200
    assert story(sink)[1:] == [("user.updateUser", str(n)) for n in (2, 3, 4)]


def test_versions_count_up_one_by_one_from_creation_to_deletion(
    client: FlaskClient, sink: Sink, query: Query
) -> None:
    user = created(client)
    for name in ("A", "B", "B", "C"):
        patch(client, user, name=name)
    assert query("SELECT version FROM users") == [(4,)]
    client.delete(path(user))
    assert story(sink) == [
        ("user.storeUser", "1"),
        ("user.updateUser", "2"),
        ("user.updateUser", "3"),
        ("user.updateUser", "4"),
        ("user.deleteUser", "5"),
    ]


# Refusals


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"name": None}, ["/name"]),
        ({"password": None}, ["/password"]),
        ({"name": None, "password": None}, ["/name", "/password"]),
        ({"name": "  "}, ["/name"]),
        ({"name": "a\nb"}, ["/name"]),
        ({"name": 1}, ["/name"]),
        ({"password": ""}, ["/password"]),
        ({"password": "p" * 1025}, ["/password"]),
        ({"name": "Zoe", "id": "x"}, ["/id"]),
        ({"version": 7}, ["/version"]),
        ([], [""]),
        (None, [""]),
    ],
)
def test_an_invalid_patch_is_422_and_changes_nothing(
    client: FlaskClient, sink: Sink, body: Any, pointers: list[str]
) -> None:
    user = created(client)
    answer = client.patch(path(user), data=json.dumps(body), content_type=JSON)
    problem = refused(answer, 422)
    assert [error["pointer"] for error in problem["errors"]] == pointers
    assert client.get(path(user)).get_json() == user
    assert len(sink.received) == 1


def test_a_password_that_is_too_short_is_422(make_app: MakeApp, sink: Sink) -> None:
    client = make_app(sink=sink.url, password_min_length=8).test_client()
    user = created(client, password="12345678")
    problem = refused(patch(client, user, name="Zoe", password="1234567"), 422)
    assert [error["pointer"] for error in problem["errors"]] == ["/password"]
    assert name_of(client, user) == "Ozzy Osbourne"
    assert len(sink.received) == 1


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/json-patch+json", "application/merge-patch", ""]
)
def test_another_media_type_is_415(client: FlaskClient, sink: Sink, media_type: str) -> None:
    user = created(client)
    refused(patch(client, user, {"Content-Type": media_type}, name="Zoe"), 415)
    assert name_of(client, user) == "Ozzy Osbourne"
    assert len(sink.received) == 1


def test_a_merge_patch_creates_no_user(client: FlaskClient) -> None:
    answer = client.post("/v1/user", data='{"name": "x"}', content_type=MERGE_PATCH)
    refused(answer, 415)


def test_a_change_of_an_absent_user_is_404_and_no_event(client: FlaskClient, sink: Sink) -> None:
    refused(patch(client, {"id": str(uuid.uuid4())}, name="Zoe"), 404)
    assert sink.received == []


@pytest.mark.parametrize("status", [404, 422])
def test_a_sink_that_refuses_leaves_the_user_as_they_were_and_free_for_the_next_change(
    make_app: MakeApp, query: Query, status: int
) -> None:
    with open_sink(in_turn(204, status)) as sink:
        client = make_app(sink=sink.url).test_client()
        user = created(client)
        before = query("SELECT * FROM users")
        problem = refused(patch(client, user, name="Zoe", password="new"), 500)
        assert problem["outcome"] == "not-delivered"
        assert "never" in problem["detail"]
        assert query("SELECT * FROM users") == before
        assert query("SELECT * FROM intents") == []
        assert patch(client, user, name="Zoe").status_code == 200
        assert [version for _, version in story(sink)] == ["1", "2", "2"]
