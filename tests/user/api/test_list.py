"""GET /v1/user: pages of users in the order of their creation."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from service_kit.http import cursors
from tests.support.user_api import created, patch, path, refused


def page(client: FlaskClient, **query: str | int) -> Any:
    answer = client.get("/v1/user", query_string={k: str(v) for k, v in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def pages(
    client: FlaskClient, between: Callable[[list[Any]], None] = lambda _: None, **query: str | int
) -> list[Any]:
    """All users, page by page; `between` is called with each page."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        got = page(client, **query, **cursor)
        found += got["items"]
        if got["next"] is None:
            return found
        between(got["items"])
        cursor = {"cursor": got["next"]}


def test_the_list_is_empty_without_users(client: FlaskClient) -> None:
    answer = client.get("/v1/user")
    assert answer.get_json() == {"items": [], "next": None}
    assert "Link" not in answer.headers


def test_users_are_listed_as_they_are_shown_in_the_order_of_their_creation(
    client: FlaskClient,
) -> None:
    made = [created(client, name=name) for name in ("Zoe", "Ozzy", "\u00c9mile")]
    assert page(client) == {"items": made, "next": None}
    patch(client, made[0], name="Aaron")
    assert [user["name"] for user in page(client)["items"]] == ["Aaron", "Ozzy", "\u00c9mile"]


def test_the_list_has_nothing_of_a_password(client: FlaskClient) -> None:
    created(client)
    answer = client.get("/v1/user")
    assert set(answer.get_json()["items"][0]) == {"id", "name", "created_at", "updated_at"}
    assert "argon2" not in answer.text


def test_each_page_but_the_last_has_as_many_users_as_the_limit(
    client: FlaskClient,
) -> None:
    made = [created(client) for _ in range(5)]
    sizes: list[int] = []
    assert pages(client, lambda items: sizes.append(len(items)), limit=2) == made
    assert sizes == [2, 2]
    exactly = page(client, limit=5)
    assert (exactly["items"], exactly["next"]) == (made, None)


def test_a_page_has_100_users_by_default(client: FlaskClient) -> None:
    for n in range(101):
        created(client, name=str(n))
    assert len(page(client)["items"]) == 100
    assert len(page(client, limit=1000)["items"]) == 101


def test_the_link_header_leads_from_page_to_page(client: FlaskClient) -> None:
    made = [created(client, name=f"a&b=%c {n}") for n in range(3)]
    created(client, name="another")
    found, url = [], "/v1/user?limit=1&name=a%26b%3D%25c"
    while url:
        answer = client.get(url)
        found += answer.get_json()["items"]
        link = answer.headers.get("Link", "")
        assert (link == "") == (answer.get_json()["next"] is None)
        assert link == "" or (link[0], link[-13:]) == ("<", '>; rel="next"')
        url = link[1:-13]
    assert found == made


def test_a_user_who_stays_is_listed_exactly_once_during_any_changes(
    client: FlaskClient,
) -> None:
    chance = random.Random(5)
    everyone = [created(client, name=f"Ozzy {n}") for n in range(20)]
    going = everyone[1::2]
    staying = everyone[::2]

    def write(items: list[Any]) -> None:
        created(client, name="Ozzy, new")
        patch(client, chance.choice(staying), name=f"Ozzy, {chance.random()}")
        # The last user of a page among them: a cursor names a place, not a user.
        for user in [*items, chance.choice(going)]:
            if user["id"] in [one["id"] for one in going]:
                client.delete(path(user))

    for query in ({}, {"name": "Ozzy"}):
        found = [user["id"] for user in pages(client, write, limit=3, **query)]
        assert len(found) == len(set(found))
        assert [one for one in found if one in {user["id"] for user in staying}] == [
            user["id"] for user in staying
        ]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "-1"},
        {"limit": "x"},
        {"limit": "1.5"},
        {"limit": ""},
        {"cursor": ""},
        {"cursor": "x"},
        {"cursor": "\u00e9"},
        {"cursor": "%%%"},
        {"cursor": cursors.encode("after:1")},
        {"cursor": cursors.encode("after:1:x")},
        {"cursor": cursors.encode("after:-1:00000000-0000-0000-0000-000000000000")},
        {"cursor": cursors.encode(f"after:{2**63}:00000000-0000-0000-0000-000000000000")},
        {"cursor": cursors.encode("12")},
        {"name": "n" * 201},
        {"unknown": "1"},
    ],
)
def test_an_invalid_parameter_is_422_and_named(client: FlaskClient, query: dict[str, str]) -> None:
    problem = refused(client.get("/v1/user", query_string=query), 422)
    assert [error["pointer"] for error in problem["errors"]] == [f"/{name}" for name in query]


def test_a_place_beyond_all_users_is_an_empty_page(client: FlaskClient) -> None:
    created(client)
    last = cursors.encode(f"after:{2**63 - 1}:ffffffff-ffff-ffff-ffff-ffffffffffff")
    assert page(client, cursor=last) == {"items": [], "next": None}


@pytest.mark.parametrize("query", ["limit=1_0", "limit=5.0", "limit=%205", "limit=+5", "limit="])
def test_a_limit_is_written_in_digits(client: FlaskClient, query: str) -> None:
    assert refused(client.get(f"/v1/user?{query}"), 422)["errors"][0]["pointer"] == "/limit"


@pytest.mark.parametrize("query", ["limit=5&limit=5", "name=a&name=b", "limit=5&name=a&name=a"])
def test_a_parameter_that_is_given_twice_is_422(client: FlaskClient, query: str) -> None:
    (error,) = refused(client.get(f"/v1/user?{query}"), 422)["errors"]
    assert error["detail"] == "must not be given twice"
