"""Database URLs: one reading for both services."""

import pytest
from psycopg.conninfo import conninfo_to_dict

from service_kit.database_url import PostgresDatabase, SqliteFile, parse


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///data/users.db", "data/users.db"),
        ("sqlite:////var/lib/users.db", "/var/lib/users.db"),
        ("sqlite:////x/a%20b%3Fc.db", "/x/a b?c.db"),
        ("sqlite:////x/Zo%C3%AB.db", "/x/Zoë.db"),
    ],
)
def test_a_sqlite_url_names_a_file(url: str, path: str) -> None:
    assert parse(url) == SqliteFile(path)


@pytest.mark.parametrize(
    "url",
    [
        *("", "sqlite://", "sqlite:///", "sqlite:///:memory:", "events.db", "mysql://h/d"),
        *("sqlite:////x/q.db?timeout=10", "sqlite:////x/q.db?", "sqlite:///a%00b"),
        *("postgresql://localhost:port/users", "postgresql://h:70000/d", "postgresql://h:0/d"),
        *("postgresql://h/d?no_such=1", "postgresql://h/d?prepare_threshold=often"),
        *("postgresql://[::1/d", "secret://h/d", "postgresql://me:secret@h:no/d"),
    ],
)
def test_what_is_no_url_of_a_database_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|takes|has|is no") as caught:
        parse(url)
    assert "secret" not in str(caught.value)


def conninfo(url: str, password: str = "") -> dict[str, object]:
    database = parse(url, password)
    assert isinstance(database, PostgresDatabase)
    return {name: value for name, value in conninfo_to_dict(database.conninfo).items() if value}


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_postgresql_url_is_what_libpq_reads(scheme: str) -> None:
    assert conninfo(f"{scheme}://me:s%40ecret@db:5433/users?sslmode=require") == {
        "user": "me",
        "password": "s@ecret",
        "host": "db",
        "port": "5433",
        "dbname": "users",
        "sslmode": "require",
    }


def test_several_hosts_are_given_to_libpq() -> None:
    url = "postgresql://one:5432,two:5433/users?target_session_attrs=read-write"
    found = conninfo(url)
    assert (found["host"], found["port"]) == ("one,two", "5432,5433")


def test_the_password_is_used_where_the_url_has_none() -> None:
    assert conninfo("postgresql://me@db/users", "se cret")["password"] == "se cret"
    assert conninfo("postgresql://me:own@db/users", "other")["password"] == "own"


@pytest.mark.parametrize(
    ("query", "threshold"),
    [
        ("", 5),
        ("?prepare_threshold=none", None),
        ("?prepare_threshold=0", 0),
        ("?sslmode=disable&prepare_threshold=7", 7),
        ("?prepare_threshold=7&sslmode=disable", 7),
    ],
)
def test_prepare_threshold_is_a_parameter(query: str, threshold: int | None) -> None:
    database = parse(f"postgresql://db/users{query}")
    assert isinstance(database, PostgresDatabase)
    assert database.prepare_threshold == threshold
    assert ("sslmode" in query) == ("sslmode" in conninfo(f"postgresql://db/users{query}"))


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(parse("postgresql://me:secret@db/users"))
