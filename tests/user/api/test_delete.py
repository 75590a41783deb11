"""DELETE /v1/user/{id}: deletions, their events, refusals."""

import uuid

import pytest
from flask.testing import FlaskClient

from tests.support.sink_server import Sink, in_turn, open_sink
from tests.support.user_api import attributes, created, patch, path, refused, story
from tests.user.conftest import MakeApp, Query


def test_a_deleted_user_is_gone_and_others_stay(client: FlaskClient) -> None:
    one, other = created(client), created(client)
    answer = client.delete(path(one))
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers
    refused(client.get(path(one)), 404)
    assert client.get(path(other)).get_json() == other
    assert client.get("/v1/user").get_json()["items"] == [other]


def test_nothing_of_a_deleted_user_is_kept(client: FlaskClient, query: Query) -> None:
    client.delete(path(created(client)))
    for table in ("users", "intents", "idempotency_keys"):
        assert query(f"SELECT * FROM {table}") == []


def test_a_second_deletion_is_404_and_no_event(client: FlaskClient, sink: Sink) -> None:
    user = created(client)
    client.delete(path(user))
    refused(client.delete(path(user)), 404)
    refused(patch(client, user, name="Zoe"), 404)
    assert story(sink) == [("user.storeUser", "1"), ("user.deleteUser", "2")]


def test_a_deletion_of_an_absent_user_is_404_and_no_event(client: FlaskClient, sink: Sink) -> None:
    refused(client.delete(f"/v1/user/{uuid.uuid4()}"), 404)
    assert sink.received == []


def test_the_event_names_the_deleted_user_and_nothing_else(client: FlaskClient, sink: Sink) -> None:
    user = created(client)
    client.delete(path(user))
    _, event = sink.received
    sent = attributes(event)
    assert sent.pop("time") > user["created_at"]
    assert sent.pop("id") != sink.received[0].headers["ce-id"]
    assert sent == {
        "specversion": "1.0",
        "type": "user.deleteUser",
        "source": "github.com/eminetto/post-cloudevents",
        "subject": user["id"],
        "partitionkey": user["id"],
        "subjectversion": "2",
    }
    assert event.body == f'{{"id": "{user["id"]}"}}'.encode()


@pytest.mark.parametrize("status", [404, 422])
def test_a_sink_that_refuses_leaves_the_user_there_and_free_to_be_deleted(
    make_app: MakeApp, query: Query, status: int
) -> None:
    with open_sink(in_turn(204, status)) as sink:
        client = make_app(sink=sink.url).test_client()
        user = created(client)
        assert refused(client.delete(path(user)), 500)["outcome"] == "not-delivered"
        assert client.get(path(user)).get_json() == user
        assert query("SELECT * FROM intents") == []
        assert client.delete(path(user)).status_code == 204
