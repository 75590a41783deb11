# ruff: noqa: INP001 - alembic finds it by its path, not as a module of a package
"""The outbox, and the lease of the relay that empties it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("subject", sa.String(36), nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tried_seconds", sa.Float, nullable=False),
        sa.Column("backoff_seconds", sa.Float, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("settled_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_by_state", "outbox", ["state", "id"])
    backing_off = sa.text("backoff_seconds > 0")
    op.create_index(
        "outbox_backing_off",
        "outbox",
        ["subject"],
        sqlite_where=backing_off,
        postgresql_where=backing_off,
    )
    relay = op.create_table(
        "relay",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("heartbeat", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.Text),
    )
    op.bulk_insert(relay, [{"id": 1, "fence": 0, "heartbeat": 0, "holder": None}])
