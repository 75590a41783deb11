# ruff: noqa: INP001 - alembic finds it by its path, not as a module of a package
"""Intents in place of claims, digests in place of idempotency keys, and a running time.

A creation with a key that was not made becomes one without: it is withdrawn, as its client was
told, and its key is free. Of a change that was claimed only the event is known: it is logged.
"""

import hashlib
from typing import Any

import sqlalchemy as sa
import structlog
from alembic import op

revision = "0003"
down_revision = "0002"

log = structlog.get_logger()

_FEW = 1000


def upgrade() -> None:
    intents = _make_intents()
    running_time = op.create_table(
        "running_time",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("minutes", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(running_time, [{"id": 1, "minutes": 0}])
    _log_claims()
    op.drop_table("claims")
    op.drop_index("idempotency_keys_by_age", "idempotency_keys")
    op.rename_table("idempotency_keys", "older_keys")
    keys = _make_keys()
    _move_keys(keys, intents)
    op.drop_table("older_keys")


def _make_intents() -> sa.Table:
    intents = op.create_table(
        "intents",
        sa.Column("user_id", sa.String(36), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.Column("withdrawal", sa.LargeBinary),
        sa.Column("key", sa.LargeBinary),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("released", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    released = sa.text("released")
    op.create_index(
        "intents_released",
        "intents",
        ["attempts"],
        sqlite_where=released,
        postgresql_where=released,
    )
    return intents


def _make_keys() -> sa.Table:
    keys = op.create_table(
        "idempotency_keys",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("noted_minute", sa.BigInteger, nullable=False),
        # A name of its own: that of the older table's key is still taken.
        sa.PrimaryKeyConstraint("digest", name="idempotency_keys_by_digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("idempotency_keys_by_minute", "idempotency_keys", ["noted_minute"])
    return keys


def _log_claims() -> None:
    claims = sa.table("claims", sa.column("user_id"), sa.column("version"), sa.column("event"))
    for claim in op.get_bind().execute(sa.select(claims)):
        log.warning(
            "cleared a change that was begun and never made; the sink may have its event",
            user_id=claim.user_id,
            version=claim.version,
            event_json=bytes(claim.event).decode(),
        )


def _move_keys(keys: sa.Table, intents: sa.Table) -> None:
    names = ("key", "user_id", "name", "password_hash", "created_at", "event", "done")
    older = sa.table("older_keys", *(sa.column(name) for name in names))
    connection = op.get_bind()
    for rows in connection.execute(sa.select(older)).partitions(_FEW):
        made = [_key(row) for row in rows if row.done]
        begun = [_creation(row) for row in rows if not row.done]
        if made:
            connection.execute(sa.insert(keys), made)
        if begun:
            connection.execute(sa.insert(intents), begun)


def _key(row: sa.Row[Any]) -> dict[str, object]:
    return {
        "digest": hashlib.sha256(row.key.encode()).digest(),
        "user_id": row.user_id,
        "name": row.name,
        "created_at": row.created_at,
        "noted_minute": 0,
    }


def _creation(row: sa.Row[Any]) -> dict[str, object]:
    return {
        "user_id": row.user_id,
        "kind": "user.storeUser",
        "name": row.name,
        "password_hash": row.password_hash,
        "version": 1,
        "created_at": row.created_at,
        "updated_at": row.created_at,
        "event": row.event,
        "fence": 0,
        "released": True,
        "attempts": 0,
    }
