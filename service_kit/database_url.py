"""Database URLs: one reading of them for both services."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

SQLITE: Final = "sqlite:///"
POSTGRES: Final = ("postgresql", "postgres", "postgresql+psycopg")

MAX_PORT: Final = 65535

_PREPARE = re.compile(r"(?<=[?&])prepare_threshold=([^&#]*)&?")


@dataclass(frozen=True)
class SqliteFile:
    """A SQLite file by its path, relative paths to the working directory."""

    path: str


@dataclass(frozen=True)
class PostgresDatabase:
    """A PostgreSQL database by what libpq is given; not shown, since it may hold a password.

    `prepare_threshold`: after how many uses a statement is prepared; None for never.
    """

    conninfo: str = field(repr=False)
    prepare_threshold: int | None = 5


Database = SqliteFile | PostgresDatabase


def parse(url: str, password: str = "") -> Database:
    """The database at `url`; `password` is used where the URL has none.

    `sqlite:///relative` or `sqlite:////absolute`, percent-encoded, without parameters;
    `postgresql://…` as libpq reads it, several hosts and all of its parameters, and
    `prepare_threshold` of psycopg (a number, or `none`).
    Raises ValueError, whose message holds nothing of the URL.
    """
    scheme, _, rest = url.partition("://")
    if url.startswith(SQLITE):
        return _sqlite(url.removeprefix(SQLITE))
    if scheme in POSTGRES:
        return _postgres(f"postgresql://{rest}", password)
    raise ValueError("must be a URL like sqlite:///data/name.db or postgresql://user@host/database")


def _sqlite(rest: str) -> SqliteFile:
    if "?" in rest or "#" in rest:
        raise ValueError("takes no parameters for SQLite; a '?' in a path is %3F, a '#' is %23")
    path = unquote(rest)
    if path in {"", ":memory:"} or "\0" in path:
        raise ValueError("must name a file, like sqlite:///data/name.db")
    return SqliteFile(path)


def _postgres(url: str, password: str) -> PostgresDatabase:
    threshold: int | None = 5
    match = _PREPARE.search(url)
    if match is not None:
        if not re.fullmatch(r"none|[0-9]{1,4}", match[1], re.ASCII):
            raise ValueError("has a prepare_threshold that is neither a number nor none")
        threshold = None if match[1] == "none" else int(match[1])
        url = _PREPARE.sub("", url).rstrip("?&")
    try:
        urlsplit(url)
        given = conninfo_to_dict(url)
        ports = [int(port) for port in str(given.get("port") or MAX_PORT).split(",") if port]
    except (ProgrammingError, ValueError):
        raise ValueError("is no URL that PostgreSQL's clients understand") from None
    if not all(0 < port <= MAX_PORT for port in ports):
        raise ValueError("has a port that is none")
    if password and "password" not in given:
        return PostgresDatabase(make_conninfo(url, password=password), threshold)
    return PostgresDatabase(make_conninfo(url), threshold)
