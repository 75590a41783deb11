"""Schema of a log in a PostgreSQL database, and its migration."""

from audit_service.log.postgres_connections import connect, store_errors
from audit_service.log.schema import Schema
from service_kit.database_url import PostgresDatabase
from service_kit.postgres import Connection

# One for all who migrate this database, another than that of those who append.
MIGRATE_LOCK = 0x6576656E75


def migrate(database: PostgresDatabase, schema: Schema) -> None:
    """Apply every migration that the database lacks."""
    with store_errors(), connect(database) as db, db.transaction():
        # A migration takes as long as it takes, and so does waiting for another's.
        db.execute("SET LOCAL synchronous_commit = on")
        db.execute("SET LOCAL statement_timeout = 0")
        db.execute("SET LOCAL lock_timeout = 0")
        db.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATE_LOCK,))
        db.execute("CREATE TABLE IF NOT EXISTS event_schema (version integer PRIMARY KEY)")
        found = version_of(db)
        for number, script in schema.migrations().items():
            if number > found:
                db.execute(script)
                db.execute("INSERT INTO event_schema VALUES (%s)", (number,))
        schema.check(version_of(db))


def version_of(db: Connection) -> int:
    """The number of the last migration, 0 where there was none."""
    there = db.execute("SELECT to_regclass('event_schema')").fetchone()
    if there is None or there[0] is None:
        return 0
    row = db.execute("SELECT coalesce(max(version), 0) FROM event_schema").fetchone()
    return row[0] if row else 0
