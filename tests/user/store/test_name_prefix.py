"""Users by the beginning of their name: the same users on every database, through an index."""

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, insert, text

from service_kit.clock import now, to_microseconds
from tests.support import postgres
from tests.support.user_api import created
from tests.support.user_factory import change_store, make, user
from tests.support.user_factory import created as creation
from user_service.store import database, schema
from user_service.store.tables import USERS
from user_service.store.users import UserReader
from user_service.users.domain import User

NAMES = [
    "Ozzy",
    "Ozzy Osbourne",
    "ozzy",
    "OZZY",
    "O",
    "\u00d6zil",
    "Ozz\u00ff",
    "Z\u00f6e",
    "Zoe",
    "%",
    "%a",
    "_",
    "_a",
    "a_",
    "\\",
    "*",
    "a",
    "aa",
    "a a",
    "a-a",
    "a\ud7ff",
    "a\ue000",
    "a\uffff",
    "a\U00010000",
    "a\U0010ffff",
    "a\U0010ffffb",
    "\U0010ffff",
    "\U0001f987",
    "\u4e2d\u6587",
]
PREFIXES = [
    *NAMES,
    *["Oz", "Z", "O\u0308", "Zo\u0308", "a\U0010ffff\U0010ffff", "nobody", " a", "Ozzy ", "A"],
    *["\x00", "a\x00", "\n", "'", '"'],
]


def named(prefix: str) -> list[str]:
    """The names that begin so, by code point, in normal form C."""
    return [name for name in NAMES if name.startswith(unicodedata.normalize("NFC", prefix))]


def test_a_prefix_finds_names_by_code_point_and_no_others(client: FlaskClient) -> None:
    for name in NAMES:
        created(client, name=name)
    for prefix in PREFIXES:
        found = client.get("/v1/user", query_string={"name": prefix}).get_json()["items"]
        assert [one["name"] for one in found] == named(prefix), repr(prefix)


def fill(engine: Engine) -> None:
    changes = change_store(engine)
    for n, name in enumerate(NAMES):
        each = user(f"{n:036}", name)
        at = each.created_at + timedelta(seconds=n)
        make(changes, creation(replace(each, created_at=at)))


def found_in(engine: Engine, prefix: str) -> list[str]:
    normal = unicodedata.normalize("NFC", prefix)
    return [one.name for one in UserReader(engine).page(None, 1000, normal).users]


@pytest.fixture
def english(postgres_server: postgres.Server) -> Iterator[Engine]:
    """A PostgreSQL database that sorts as English does: case and marks last of all."""
    with psycopg.connect(postgres_server.url(), autocommit=True) as db:
        db.execute(
            "CREATE DATABASE english TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        )
    engine = database.connect(postgres_server.url("english"), threads=1)
    schema.migrate(engine)
    yield engine
    engine.dispose()
    postgres_server.drop_database("english")


def test_the_language_of_a_database_makes_no_difference(english: Engine) -> None:
    with english.connect() as connection:
        assert connection.execute(text("SELECT 'a' < 'B'")).scalar() is True
    fill(english)
    for prefix in PREFIXES:
        assert found_in(english, prefix) == named(prefix), repr(prefix)


def test_users_of_the_same_microsecond_are_each_on_one_page(engine: Engine) -> None:
    changes, store = change_store(engine), UserReader(engine)
    everyone = [user(f"{n:036}") for n in range(7)]
    for each in reversed(everyone):
        make(changes, creation(each))
    found: list[User] = []
    after = None
    while True:
        page = store.page(after, 2, "Oz")
        found += page.users
        if not page.more:
            break
        after = page.users[-1]
    assert found == everyone


# The index


def crowd(engine: Engine) -> None:
    """So many users of other names that an index pays, and a PostgreSQL that knows it."""
    at = to_microseconds(now())
    others = [
        {
            "id": f"{n:036}",
            "name": f"Zappa {n}",
            "password_hash": "hash",
            "version": 1,
            "created_at": at + n,
            "updated_at": at + n,
        }
        for n in range(10_000, 15_000)
    ]
    with engine.begin() as connection:
        connection.execute(insert(USERS), others)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE users"))


EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}


def plan(engine: Engine, after: tuple[int, str] | None, prefix: str) -> str:
    """How the database finds a page: the very statement that the store runs, explained."""
    ran: list[Any] = []

    def keep(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        ran.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", keep)
    UserReader(engine).page(after, 10, prefix)
    event.remove(engine, "before_cursor_execute", keep)
    (query,) = [each for each in ran if each[0].startswith("SELECT")]
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # A table of a few rows is read whole, whatever indexes it has.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        explained = connection.exec_driver_sql(EXPLAIN[engine.dialect.name] + query[0], query[1])
        return "\n".join(str(row[-1]) for row in explained)


@pytest.mark.parametrize("after", [None, (1, "x")])
def test_a_prefix_is_looked_up_in_the_index_of_names(
    engine: Engine, after: tuple[int, str] | None
) -> None:
    fill(engine)
    crowd(engine)
    steps = plan(engine, after, "Oz")
    assert "users_by_name" in steps
    # By a range of it, and not by reading all of it.
    assert "name>? AND name<?" in steps or "Index Cond: ((name >= 'Oz'" in steps, steps


@pytest.mark.parametrize("after", [None, (1, "x")])
def test_a_page_is_looked_up_in_the_index_of_places_and_not_sorted(
    engine: Engine, after: tuple[int, str] | None
) -> None:
    fill(engine)
    crowd(engine)
    steps = plan(engine, after, "")
    assert "users_in_order" in steps
    assert "sort" not in steps.lower()
    assert "TEMP B-TREE" not in steps
