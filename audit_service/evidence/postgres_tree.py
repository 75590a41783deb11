"""Tree of a log in the log's PostgreSQL database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from audit_service.evidence.tree import StoredTile
from audit_service.evidence.tree_table import Growth, Identity, SignedHead, TreeTable
from audit_service.evidence.witness_table import StoredCosignature, WitnessTable
from audit_service.log.backend import LOCK_SECONDS
from audit_service.log.postgres_connections import ReadConnections, session
from service_kit.database_url import PostgresDatabase
from service_kit.postgres import Connection

# One for all who change the tree of this database, another than that of those who append.
TREE_LOCK = 0x6576656E76

_TABLE = TreeTable("%s")
_WITNESSES = WitnessTable("%s")


class PostgresTree:
    """A TreeStore (see there)."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._connections = ReadConnections(database, LOCK_SECONDS)
        # What the promise needs is set in the transaction itself: no pooler drops it there.
        settings = session(LOCK_SECONDS).set_in_transaction()
        self._lock = f"SELECT {settings}, pg_advisory_xact_lock(%s)"

    def identity(self) -> Identity | None:
        with self._connections.transaction() as db:
            return _TABLE.identity(db.execute)

    def newest(self) -> SignedHead | None:
        with self._connections.transaction() as db:
            return _TABLE.newest(db.execute)

    def heads(self, above: int) -> list[SignedHead]:
        with self._connections.transaction() as db:
            return _TABLE.heads(db.execute, above)

    def tile(self, level: int, number: int) -> bytes | None:
        with self.tiles() as tile:
            return tile(level, number)

    @contextmanager
    def tiles(self) -> Iterator[StoredTile]:
        with self._connections.transaction() as db:
            yield partial(_TABLE.tile, db.execute)

    def grow(self, growth: Growth, confirm: Callable[[], object]) -> None:
        with self._changing() as db:
            _TABLE.grow(db.execute, growth)
            confirm()

    def publish_newest(self) -> SignedHead | None:
        with self._changing() as db:
            newest = _TABLE.newest(db.execute)
            if newest is not None:
                _TABLE.publish(db.execute, newest.size)
        return newest

    def cosignatures(self) -> list[StoredCosignature]:
        with self._connections.transaction() as db:
            return _WITNESSES.newest(db.execute)

    def add_cosignature(self, cosignature: StoredCosignature) -> None:
        with self._changing() as db:
            _WITNESSES.add(db.execute, cosignature)

    def objections(self) -> dict[str, str]:
        with self._connections.transaction() as db:
            return _WITNESSES.objections(db.execute)

    def set_objection(self, witness: str, reason: str) -> None:
        with self._changing() as db:
            _WITNESSES.set_objection(db.execute, witness, reason)

    def close(self) -> None:
        self._connections.close()

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A transaction that no other changes the tree beside; durable once it has ended."""
        with self._connections.transaction() as db:
            db.execute(self._lock, (TREE_LOCK,))
            yield db
