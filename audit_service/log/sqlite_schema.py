"""Schema of a log in a SQLite file, and its migration."""

import apsw

from audit_service.log.schema import Schema
from audit_service.log.sqlite_connections import connect, enter_wal, store_errors
from service_kit import sqlite_file


def migrate(path: str, schema: Schema) -> None:
    """Make the log at `path` if need be, and apply every migration that it lacks."""
    with store_errors():
        sqlite_file.make(path)
        db = connect(path, apsw.SQLITE_OPEN_READWRITE)
        try:
            enter_wal(db)
            db.execute("BEGIN IMMEDIATE")
            for number, script in schema.migrations().items():
                if number > version_of(db):
                    db.execute(script)
                    db.execute(f"PRAGMA user_version = {number}")
            db.execute("COMMIT")
            schema.check(version_of(db))
        finally:
            db.close()


def version_of(db: apsw.Connection) -> int:
    """The number of the last migration, 0 where there was none."""
    version: int = db.execute("PRAGMA user_version").get
    return version
