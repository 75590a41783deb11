"""Tables, as the newest migration leaves them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
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

# Intents: changes that were begun, each with its event; see store/intents. At most one of a user.
INTENTS = Table(
    "intents",
    METADATA,
    Column("user_id", String(36), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("password_hash", Text),
    Column("version", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("event", LargeBinary, nullable=False),
    # The event that takes a creation back, once one was made.
    Column("withdrawal", LargeBinary),
    # The digest of the creation's idempotency key, where there is one.
    Column("key", LargeBinary),
    # The holder's; a new one raises it. `released`: there is none, and any process may be the next.
    Column("fence", BigInteger, nullable=False),
    Column("released", Boolean, nullable=False),
    # How often it was taken over.
    Column("attempts", Integer, nullable=False),
    Index(
        "intents_released",
        "attempts",
        sqlite_where=text("released"),
        postgresql_where=text("released"),
    ),
    sqlite_with_rowid=False,
)

# Idempotency keys, each by its digest, and the user whose creation it names: as they were then.
IDEMPOTENCY_KEYS = Table(
    "idempotency_keys",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("user_id", String(36), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # By `running_time`, since the clock may jump.
    Column("noted_minute", BigInteger, nullable=False),
    Index("idempotency_keys_by_minute", "noted_minute"),
    sqlite_with_rowid=False,
)

# One row: for how many minutes the service has run, on any number of machines.
RUNNING_TIME = Table(
    "running_time",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("minutes", BigInteger, nullable=False),
)

# Events that wait to be delivered, dead letters, and for a while those that were delivered. An
# id is never used twice, and of one user's events rises in the order of their commits.
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("subject", String(36), nullable=False),
    Column("type", Text, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("state", String(9), nullable=False),
    # How often it was sent; seconds of trying it by itself; seconds of its present backoff.
    Column("attempts", Integer, nullable=False),
    Column("tried_seconds", Float, nullable=False),
    Column("backoff_seconds", Float, nullable=False),
    Column("last_error", Text),
    Column("settled_at", BigInteger),
    Index("outbox_by_state", "state", "id"),
    Index(
        "outbox_backing_off",
        "subject",
        sqlite_where=text("backoff_seconds > 0"),
        postgresql_where=text("backoff_seconds > 0"),
    ),
    sqlite_autoincrement=True,
)

# Tokens, each by the SHA-256 of its text; see service_kit's `stored_token`.
TOKEN = Table(
    "token",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("bounds", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    sqlite_with_rowid=False,
)

# One row: which relay is the active one.
RELAY = Table(
    "relay",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("fence", BigInteger, nullable=False),
    Column("heartbeat", BigInteger, nullable=False),
    Column("holder", Text),
)
