"""The tables, as the newest migration leaves them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import postgresql

METADATA = MetaData()

# Compared by code point on both databases, whatever the language of a PostgreSQL one is.
BY_CODE_POINT = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

# Times are microseconds since 1970, UTC, so that both databases keep them alike.
USERS = Table(
    "users",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("name", BY_CODE_POINT, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("users_in_order", "created_at", "id"),
    Index("users_by_name", "name", "created_at", "id"),
)

# A change of a user that is under way: its event is being delivered.
CLAIMS = Table(
    "claims",
    METADATA,
    Column("user_id", String(36), primary_key=True),
    Column("holder", String(36), nullable=False),
    Column("version", Integer, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Column("lapses_at", BigInteger, nullable=False),
)

# What an Idempotency-Key stands for: the user that its first request makes, and the event.
IDEMPOTENCY_KEYS = Table(
    "idempotency_keys",
    METADATA,
    Column("key", String(255), primary_key=True),
    Column("user_id", String(36), nullable=False),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Column("holder", String(36), nullable=False),
    Column("lapses_at", BigInteger, nullable=False),
    Column("done", Boolean, nullable=False),
    Index("idempotency_keys_by_age", "created_at"),
)
