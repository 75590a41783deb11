"""Schema of the users' database: brought up to date, and checked.

alembic is imported only where there is something to migrate: it takes a tenth of the time of a
start, and most processes migrate nothing.
"""

from sqlalchemy import Connection, Engine, inspect, text

# The newest of migrations/versions.
NEWEST = "0004"

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
        if _revision(connection) != NEWEST:
            _upgrade(connection)


def check(engine: Engine) -> None:
    """Raises SchemaMismatch unless the schema is up to date."""
    with engine.connect() as connection:
        found = _revision(connection)
    if found != NEWEST:
        raise SchemaMismatch(
            f"the schema is at {found} and {NEWEST} is needed: run `user-service migrate`"
        )


def _revision(connection: Connection) -> str | None:
    """The last migration of the database; None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _upgrade(connection: Connection) -> None:
    import alembic.command
    import alembic.config
    import alembic.util

    config = alembic.config.Config()
    config.set_main_option("script_location", "user_service.store:migrations")
    config.attributes["connection"] = connection
    try:
        alembic.command.upgrade(config, "head")
    except alembic.util.CommandError as error:
        raise SchemaMismatch(f"the schema is newer than this version: {error}") from error
