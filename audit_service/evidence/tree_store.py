"""Tree store: tiles, checkpoints and identity of a log's tree, beside the log."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from audit_service.evidence.postgres_tree import PostgresTree
from audit_service.evidence.sqlite_tree import SqliteTree
from audit_service.evidence.tree import StoredTile
from audit_service.evidence.tree_table import Growth, Identity, SignedHead
from audit_service.evidence.witness_table import StoredCosignature
from audit_service.files_beside import LOG_KEY, LOG_TREE
from audit_service.log import database_at
from service_kit.database_url import Database, SqliteFile


class TreeStore(Protocol):
    """Where the tree is. Safe for any number of threads and processes, but `grow` for one thread.

    Every method raises LogUnavailable where the store cannot be used now.
    """

    def identity(self) -> Identity | None:
        """Whose tree it is; None before its first use."""
        ...

    def newest(self) -> SignedHead | None:
        """The newest checkpoint; None before the first."""
        ...

    def heads(self, above: int) -> list[SignedHead]:
        """The checkpoints above a size, the smallest first, a thousand at most."""
        ...

    def tile(self, level: int, number: int) -> bytes | None:
        """The hashes of a tile, joined, as wide as it is now; None where there is none."""
        ...

    def tiles(self) -> AbstractContextManager[StoredTile]:
        """The same for several of them, in one thread, for a moment."""
        ...

    def grow(self, growth: Growth, confirm: Callable[[], object]) -> None:
        """Add tiles and a checkpoint, all or nothing; `confirm` is called before the commit.

        MUST NOT return before the commit is on disk. MUST do nothing and raise TreeMoved unless
        the newest checkpoint is the one before, and the identity the same: no two checkpoints of a
        tree are inconsistent, whoever grows it. What `confirm` raises undoes all.
        """
        ...

    def publish_newest(self) -> SignedHead | None:
        """The newest checkpoint, which is kept for ever from then on, for it is given away.

        MUST NOT return before that is on disk.
        """
        ...

    def cosignatures(self) -> list[StoredCosignature]:
        """Those of the newest checkpoints that have some, the newest first."""
        ...

    def add_cosignature(self, cosignature: StoredCosignature) -> None:
        """Add one of a checkpoint that is kept for ever, and forget the witness's objection."""
        ...

    def objections(self) -> dict[str, str]:
        """By its verifier key, why a witness takes the log for another, where one does."""
        ...

    def set_objection(self, witness: str, reason: str) -> None:
        """Keep why, until it cosigns a checkpoint."""
        ...

    def close(self) -> None:
        """Close every connection; the store is not used afterwards."""
        ...


def open_tree(url: str, password: str = "") -> TreeStore:
    """The tree of the log at `url`, which is migrated. It connects when it is used.

    Raises UnsupportedDatabase.
    """
    database = database_at(url, password)
    if isinstance(database, SqliteFile):
        return SqliteTree(database.path + LOG_TREE)
    return PostgresTree(database)


def key_file(database: Database) -> str | None:
    """Where the key is that a log makes for itself; None where it makes none."""
    return database.path + LOG_KEY if isinstance(database, SqliteFile) else None
