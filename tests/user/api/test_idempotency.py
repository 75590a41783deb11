"""Idempotency-Key: a repeat of a creation makes no second user and no second event."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.sink_server import Sink
from tests.support.user_api import created, patch, path, post, refused, story
from tests.support.user_idempotency import KEY, OZZY, ask, same
from tests.user.conftest import MakeApp, ManualPeriodic, Query


def test_a_repeat_gets_the_first_answer_and_makes_one_user_and_one_event(
    client: FlaskClient, sink: Sink, query: Query
) -> None:
    first = ask(client)
    for _ in range(3):
        assert same(ask(client), first)
    assert len(sink.received) == 1
    assert query("SELECT id FROM users") == [(first.get_json()["id"],)]


@pytest.mark.parametrize("key", [f'"{KEY}"', f"  {KEY} ", f'\t"{KEY}"'])
def test_a_key_is_the_same_quoted_or_bare(client: FlaskClient, sink: Sink, key: str) -> None:
    assert same(ask(client, KEY), ask(client, key))
    assert len(sink.received) == 1


def test_a_name_that_is_kept_as_the_same_is_the_same_request(client: FlaskClient) -> None:
    assert same(ask(client, name="Zo\u00eb"), ask(client, name="  Zoe\u0308 "))


def test_a_repeat_gets_the_first_answer_even_when_the_user_has_changed_or_gone(
    client: FlaskClient, sink: Sink
) -> None:
    first = ask(client)
    patch(client, first.get_json(), name="Zoe")
    assert same(ask(client), first)
    client.delete(path(first.get_json()))
    assert same(ask(client), first)
    assert [kind for kind, _ in story(sink)] == [
        "user.storeUser",
        "user.updateUser",
        "user.deleteUser",
    ]


def test_another_key_or_none_is_another_request(client: FlaskClient, sink: Sink) -> None:
    answers = [ask(client, "a"), ask(client, "A"), post(client, OZZY), post(client, OZZY)]
    assert len({answer.get_json()["id"] for answer in answers}) == 4
    assert len(sink.received) == 4


@pytest.mark.parametrize(
    "other",
    [{"name": "Zoe"}, {"name": "Zoe", "password": "1"}, {"name": "ozzy"}],
)
def test_the_key_of_another_body_is_422_and_nothing_happens(
    client: FlaskClient, sink: Sink, query: Query, other: dict[str, str]
) -> None:
    first = ask(client)
    problem = refused(ask(client, **other), 422)
    assert "Idempotency-Key" in problem["detail"]
    assert len(sink.received) == 1
    assert query("SELECT count(*) FROM users") == [(1,)]
    assert same(ask(client), first)


def test_the_answer_to_a_repeat_does_not_tell_whether_its_password_is_the_right_one(
    client: FlaskClient, sink: Sink, query: Query
) -> None:
    first = ask(client)
    assert same(ask(client, password="123456"), first)
    kept = query("SELECT password_hash FROM users")
    refusals = [ask(client, name="Zoe", password=each).data for each in ("12345", "123456")]
    assert refusals[0] == refusals[1]
    assert query("SELECT password_hash FROM users") == kept
    assert len(sink.received) == 1


MALFORMED = ["", '""', '"', '"open', 'open"', "a b", 'a"b', '"a"b"', r'"a\b"', "a\x7f", "\u00e9"]


@pytest.mark.parametrize("key", [*MALFORMED, "k" * 256, f'"{"k" * 256}"'])
def test_a_malformed_key_is_400_and_nothing_happens(
    client: FlaskClient, sink: Sink, query: Query, key: str
) -> None:
    refused(ask(client, key), 400)
    assert sink.received == []
    for table in ("users", "idempotency_keys"):
        assert query(f"SELECT * FROM {table}") == []


@pytest.mark.parametrize(
    "key", ["k", "k" * 255, f'"{"k" * 255}"', '"with space"', r'"a\"b\\c"', "a,b", "';--"]
)
def test_any_other_key_is_a_key(client: FlaskClient, sink: Sink, key: str) -> None:
    assert same(ask(client, key), ask(client, key))
    assert len(sink.received) == 1


@pytest.mark.parametrize(("wrong", "minimum"), [({"name": ""}, 1), ({"password": "123"}, 4)])
def test_a_request_that_is_not_valid_uses_up_no_key(
    make_app: MakeApp, sink: Sink, wrong: dict[str, str], minimum: int
) -> None:
    client = make_app(sink=sink.url, password_min_length=minimum).test_client()
    refused(ask(client, **wrong), 422)
    assert ask(client).status_code == 201


def test_concurrent_first_requests_make_one_user_and_one_event(
    make_app: MakeApp, sink: Sink, query: Query
) -> None:
    app = make_app(sink=sink.url)
    for n in range(5):
        barrier = threading.Barrier(6)

        def first(barrier: threading.Barrier = barrier, key: str = f"k{n}") -> TestResponse:
            barrier.wait(10)
            return ask(app.test_client(), key)

        with ThreadPoolExecutor(6) as pool:
            answers = [future.result() for future in [pool.submit(first) for _ in range(6)]]
        assert {answer.status_code for answer in answers} <= {201, 409}
        (made,) = {answer.data for answer in answers if answer.status_code == 201}
        assert ask(app.test_client(), f"k{n}").data == made
        assert len(sink.received) == n + 1
    assert query("SELECT count(*) FROM users") == [(5,)]


# Age of a key


def age(query: Query, hours: float) -> None:
    moved = round(hours * 60)
    query("UPDATE running_time SET minutes = minutes + :moved", moved=moved)


@pytest.mark.parametrize("other", [{}, {"name": "Zoe", "password": "another"}])
def test_a_key_is_forgotten_after_24_hours(
    client: FlaskClient, sink: Sink, query: Query, other: dict[str, str]
) -> None:
    first = ask(client)
    age(query, 23.9)
    assert ask(client).get_json()["id"] == first.get_json()["id"]
    age(query, 0.2)
    second = ask(client, **other)
    assert second.get_json()["id"] != first.get_json()["id"]
    assert same(ask(client, **other), second)
    assert len(sink.received) == 2


def test_the_age_at_which_a_key_is_forgotten_is_a_setting(
    make_app: MakeApp, sink: Sink, query: Query
) -> None:
    client = make_app(sink=sink.url, idempotency_hours=2).test_client()
    first = ask(client)
    age(query, 2.1)
    assert ask(client).get_json()["id"] != first.get_json()["id"]


def test_forgotten_keys_are_not_kept_for_ever(
    client: FlaskClient, query: Query, periodic: ManualPeriodic
) -> None:
    for key in "abc":
        ask(client, key)
    age(query, 25)
    last = ask(client, "d")
    assert query("SELECT count(*) FROM idempotency_keys") == [(4,)]
    periodic.run()
    assert query("SELECT user_id FROM idempotency_keys") == [(last.get_json()["id"],)]


def test_a_user_without_a_key_leaves_none(client: FlaskClient, query: Query) -> None:
    created(client)
    assert query("SELECT * FROM idempotency_keys") == []
