"""Schema of the users' database: brought up to date, and checked."""

import alembic.command
import alembic.config
import alembic.util
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

# An arbitrary number, the same in every process.
_MIGRATION_LOCK = 0x75736572


class SchemaMismatch(Exception):
    """The database's schema is not the one that this version works with."""


def migrate(engine: Engine) -> None:
    """Bring the schema up to date. Safe when several processes do it at once.

    Raises SchemaMismatch where the schema is not one that this version knows.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # No limit: a migration of a large database is long, and so is the wait for another's.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        try:
            alembic.command.upgrade(_alembic(connection), "head")
        except alembic.util.CommandError as error:
            raise SchemaMismatch(f"the schema is newer than this version: {error}") from error


def check(engine: Engine) -> None:
    """Raises SchemaMismatch unless the schema is up to date."""
    newest = ScriptDirectory.from_config(_alembic(None)).get_current_head()
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != newest:
        raise SchemaMismatch(
            f"the schema is at {found} and {newest} is needed: run `user-service migrate`"
        )


def _alembic(connection: Connection | None) -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", "user_service.store:migrations")
    config.attributes["connection"] = connection
    return config
