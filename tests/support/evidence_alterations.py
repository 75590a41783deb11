"""Alterations of a stored log by somebody who has its database and knows it well."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import psycopg

from audit_service.evidence.checkpoints import parse_checkpoint, sign_checkpoint
from audit_service.evidence.note_keys import generate_key
from audit_service.evidence.notes import parse_note
from audit_service.files_beside import LOG_TREE

Row = tuple[Any, ...]


class Database:
    """The database of a log, and of its tree, without anything that keeps them as they are."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: dict[str, Any] = {}

    def run(self, sql: str, *parameters: Any) -> list[Row]:
        """Rows of SQL with `?` for parameters. Tables of the tree are named `tree_…`."""
        if self._url.startswith("sqlite"):
            return list(self._sqlite("tree_" in sql).execute(sql, parameters))
        cursor = self._postgres().execute(sql.replace("?", "%s"), parameters)
        return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        for each in self._open.values():
            each.close()

    def _sqlite(self, of_tree: bool) -> apsw.Connection:  # noqa: FBT001 # which of the two
        suffix = LOG_TREE if of_tree else ""
        if suffix not in self._open:
            path = Path(self._url.removeprefix("sqlite:///") + suffix)
            db = self._open[suffix] = apsw.Connection(str(path))
            for (name,) in list(db.execute("SELECT name FROM sqlite_schema WHERE type='trigger'")):
                db.execute(f"DROP TRIGGER {name}")
        db = self._open[suffix]
        assert isinstance(db, apsw.Connection)
        return db

    def _postgres(self) -> psycopg.Connection[Row]:
        if "" not in self._open:
            db = self._open[""] = psycopg.connect(self._url, autocommit=True)
            # No trigger, and no foreign key.
            db.execute("SET session_replication_role = replica")
        db = self._open[""]
        assert isinstance(db, psycopg.Connection)
        return db


@contextmanager
def database(url: str) -> Iterator[Database]:
    """The database, closed at the end of the block."""
    opened = Database(url)
    try:
        yield opened
    finally:
        opened.close()


COLUMNS = (
    *("received_at", "conflicts_with", "identity", "digest", "digest_version", "specversion"),
    *("source", "type", "subject", "id", "time", "datacontenttype", "extensions", "data"),
    *("data_is_json", "tolerated", "sender", "salt_a", "salt_d"),
)


def another(value: Any, choose: random.Random) -> Any:
    """A value that is not this one, of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + choose.choice([-1, 1])
    if isinstance(value, str):
        at = choose.randrange(len(value) + 1)
        return f"{value[:at]}{choose.choice('ax0')}{value[at + choose.randrange(2) :]}y"
    content = bytearray(value or b"\0")
    content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
    return bytes(content)


def any_position(db: Database, choose: random.Random) -> int:
    return choose.randint(1, db.run("SELECT max(position) FROM event")[0][0])


def alter_column(db: Database, choose: random.Random) -> str:
    position, column = any_position(db, choose), choose.choice(COLUMNS)
    ((value,),) = db.run(f"SELECT {column} FROM event WHERE position = ?", position)
    if column == "data_is_json":
        new = type(value)(not value)
    elif value is None:
        new = {"conflicts_with": 1, "data": b"x", "digest_version": 3}.get(column, "x")
        if column == "conflicts_with" and position == 1:
            new = 2
    else:
        new = another(value, choose)
    db.run(f"UPDATE event SET {column} = ? WHERE position = ?", new, position)
    return f"{column} of {position}"


def remove_value(db: Database, choose: random.Random) -> str:
    position = any_position(db, choose)
    columns = ("subject", "time", "datacontenttype", "extensions", "data", "salt_a", "sender")
    values = db.run(f"SELECT {', '.join(columns)} FROM event WHERE position = ?", position)[0]
    there = [name for name, value in zip(columns, values, strict=True) if value is not None]
    column = choose.choice(there)
    db.run(f"UPDATE event SET {column} = NULL WHERE position = ?", position)
    return f"{column} of {position} removed"


def alter_origin(db: Database, choose: random.Random) -> str:
    position = choose.choice(db.run("SELECT position FROM origin"))[0]
    column = choose.choice(["kafka_topic", "kafka_partition", "kafka_offset", ""])
    if not column:
        db.run("DELETE FROM origin WHERE position = ?", position)
        return f"origin of {position} deleted"
    ((value,),) = db.run(f"SELECT {column} FROM origin WHERE position = ?", position)
    new = another(value, choose)
    db.run(f"UPDATE origin SET {column} = ? WHERE position = ?", new, position)
    return f"{column} of {position}"


def delete(db: Database, choose: random.Random) -> str:
    position = any_position(db, choose)
    db.run("DELETE FROM event WHERE position = ?", position)
    return f"{position} deleted"


def delete_and_close_up(db: Database, choose: random.Random) -> str:
    position = any_position(db, choose)
    db.run("DELETE FROM event WHERE position = ?", position)
    _shift(db, position, -1)
    return f"{position} deleted, and those after it moved"


def insert(db: Database, choose: random.Random) -> str:
    position = any_position(db, choose)
    _shift(db, position, 1)
    others = ", ".join(name for name in COLUMNS if name not in {"digest", "id"})
    db.run(
        f"INSERT INTO event (position, digest, id, {others}) "
        f"SELECT position - 1, ?, 'inserted', {others} FROM event WHERE position = ?",
        choose.randbytes(32),
        position + 1,
    )
    return f"another at {position}"


def swap(db: Database, choose: random.Random) -> str:
    first = any_position(db, choose)
    second = first % db.run("SELECT max(position) FROM event")[0][0] + 1
    for old, new in ((first, -1), (second, first), (-1, second)):
        for table in ("event", "origin"):
            db.run(f"UPDATE {table} SET position = ? WHERE position = ?", new, old)
    return f"{first} and {second} swapped"


def cut_tail(db: Database, choose: random.Random) -> str:
    position = any_position(db, choose)
    db.run("DELETE FROM event WHERE position >= ?", position)
    return f"all from {position} on deleted"


def alter_tile(db: Database, choose: random.Random) -> str:
    level, number, hashes = choose.choice(db.run("SELECT level, number, hashes FROM tree_tile"))
    new = another(bytes(hashes), choose)
    where = "WHERE level = ? AND number = ?"
    db.run(f"UPDATE tree_tile SET hashes = ? {where}", new, level, number)
    return f"tile {level}/{number}"


def delete_tile(db: Database, choose: random.Random) -> str:
    level, number = choose.choice(db.run("SELECT level, number FROM tree_tile"))
    db.run("DELETE FROM tree_tile WHERE level = ? AND number = ?", level, number)
    return f"tile {level}/{number} deleted"


def alter_checkpoint(db: Database, choose: random.Random) -> str:
    (size,) = choose.choice(db.run("SELECT size FROM tree_checkpoint"))
    column = choose.choice(["root", "note", "size"])
    ((value,),) = db.run(f"SELECT {column} FROM tree_checkpoint WHERE size = ?", size)
    # No other checkpoint has that size.
    new = value + 5 if column == "size" else another(bytes(value), choose)
    db.run(f"UPDATE tree_checkpoint SET {column} = ? WHERE size = ?", new, size)
    return f"{column} of checkpoint {size}"


def delete_newest_checkpoint(db: Database, _: random.Random) -> str:
    db.run("DELETE FROM tree_checkpoint WHERE size = (SELECT max(size) FROM tree_checkpoint)")
    return "newest checkpoint deleted"


def sign_with_another_key(db: Database, _: random.Random) -> str:
    """All of it is signed anew, by a key of the same name."""
    ((origin,),) = db.run("SELECT origin FROM tree_identity")
    key = generate_key(origin)
    db.run("UPDATE tree_identity SET verifier_key = ?", str(key.verifier))
    for size, note in db.run("SELECT size, note FROM tree_checkpoint"):
        signed = sign_checkpoint(parse_checkpoint(parse_note(bytes(note)).text), key)
        db.run("UPDATE tree_checkpoint SET note = ? WHERE size = ?", bytes(signed), size)
    return "another key"


ALTERATIONS: Sequence[Callable[[Database, random.Random], str]] = (
    *([alter_column] * 12),
    *(remove_value, alter_origin, delete, delete_and_close_up, insert, swap, cut_tail),
    *(alter_tile, delete_tile, alter_checkpoint, delete_newest_checkpoint, sign_with_another_key),
)


def _shift(db: Database, position: int, by: int) -> None:
    """Move the rows from a position on; not through positions that others have."""
    for table in ("event", "origin"):
        db.run(f"UPDATE {table} SET position = -position WHERE position >= ?", position)
        db.run(f"UPDATE {table} SET position = -position + ? WHERE position < 0", by)
