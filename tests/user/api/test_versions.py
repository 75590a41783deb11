"""A user's version as an ETag: If-None-Match when reading, If-Match when changing."""

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.sink_server import Sink
from tests.support.user_api import created, patch, path, post, refused, story

NOBODY = {"id": str(uuid.UUID(int=0))}

MATCHING = ['"2"', "*", '"1", "2"', '"2", "7"', 'W/"2", "2"']
OTHER = ['"1"', '"3"', '"02"', '"x"', 'W/"2"', '"1", "3"', 'W/"1", W/"2"', '""', ""]


@pytest.fixture
def user(client: FlaskClient) -> Any:
    """A user at version 2."""
    return patch(client, created(client), name="Zoe").get_json()


def delete(client: FlaskClient, user: Any, if_match: str) -> TestResponse:
    return client.delete(path(user), headers={"If-Match": if_match})


def test_the_etag_is_the_version_wherever_a_user_is_shown(client: FlaskClient) -> None:
    made = post(client, {"name": "Ozzy", "password": "p"})
    assert made.headers["ETag"] == '"1"'
    user = made.get_json()
    assert patch(client, user, name="Zoe").headers["ETag"] == '"2"'
    assert client.get(path(user)).headers["ETag"] == '"2"'


@pytest.mark.parametrize("tag", ['"2"', 'W/"2"', "*", '"1", "2"'])
def test_a_user_whose_version_is_known_is_304_and_not_sent_again(
    client: FlaskClient, user: Any, tag: str
) -> None:
    answer = client.get(path(user), headers={"If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == '"2"'


@pytest.mark.parametrize("tag", ['"1"', '"3"', '"x"', ""])
def test_a_user_whose_version_is_another_is_sent(client: FlaskClient, user: Any, tag: str) -> None:
    answer = client.get(path(user), headers={"If-None-Match": tag})
    assert (answer.status_code, answer.get_json()) == (200, user)


@pytest.mark.parametrize("tag", MATCHING)
def test_a_change_of_the_version_that_is_named_is_made(
    client: FlaskClient, user: Any, tag: str
) -> None:
    answer = patch(client, user, {"If-Match": tag}, name="Max")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')


@pytest.mark.parametrize("tag", MATCHING)
def test_a_deletion_of_the_version_that_is_named_is_made(
    client: FlaskClient, user: Any, tag: str
) -> None:
    assert delete(client, user, tag).status_code == 204


@pytest.mark.parametrize("tag", OTHER)
def test_a_change_of_another_version_is_412_and_neither_made_nor_sent(
    client: FlaskClient, sink: Sink, user: Any, tag: str
) -> None:
    refused(patch(client, user, {"If-Match": tag}, name="Max"), 412)
    refused(delete(client, user, tag), 412)
    assert client.get(path(user)).get_json() == user
    assert story(sink) == [("user.storeUser", "1"), ("user.updateUser", "2")]


def test_a_patch_of_nothing_is_412_too_where_the_version_is_another(
    client: FlaskClient, user: Any
) -> None:
    refused(patch(client, user, {"If-Match": '"1"'}), 412)


def test_an_absent_user_is_404_whatever_version_is_named(client: FlaskClient) -> None:
    refused(patch(client, NOBODY, {"If-Match": '"1"'}, name="Max"), 404)
    refused(delete(client, NOBODY, "*"), 404)
    refused(client.get(path(NOBODY), headers={"If-None-Match": "*"}), 404)


@pytest.mark.parametrize("tag", OTHER)
def test_a_read_of_another_version_is_412_and_a_problem(
    client: FlaskClient, user: Any, tag: str
) -> None:
    refused(client.get(path(user), headers={"If-Match": tag}), 412)


@pytest.mark.parametrize("tag", MATCHING)
def test_a_read_of_the_version_that_is_named_is_answered(
    client: FlaskClient, user: Any, tag: str
) -> None:
    answer = client.get(path(user), headers={"If-Match": tag})
    assert (answer.status_code, answer.get_json()) == (200, user)


@pytest.mark.parametrize("tag", ["*", '"2"', 'W/"2"', '"1", "2"'])
def test_a_change_under_if_none_match_is_412_where_the_version_is_there(
    client: FlaskClient, sink: Sink, user: Any, tag: str
) -> None:
    refused(patch(client, user, {"If-None-Match": tag}, name="Max"), 412)
    refused(client.delete(path(user), headers={"If-None-Match": tag}), 412)
    assert story(sink) == [("user.storeUser", "1"), ("user.updateUser", "2")]


def test_a_change_under_if_none_match_is_made_where_the_version_is_another(
    client: FlaskClient, user: Any
) -> None:
    assert patch(client, user, {"If-None-Match": '"1"'}, name="Max").status_code == 200


def test_a_weak_tag_is_412_with_the_reason(client: FlaskClient, user: Any) -> None:
    for answer in (
        patch(client, user, {"If-Match": 'W/"2"'}, name="Max"),
        client.get(path(user), headers={"If-Match": 'W/"2"'}),
        delete(client, user, 'W/"2"'),
    ):
        assert "weak" in refused(answer, 412)["detail"]
    assert "weak" not in refused(delete(client, user, 'W/"1"'), 412)["detail"]
