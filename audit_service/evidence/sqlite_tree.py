"""Tree of a log in a SQLite file of its own, so that an append waits for no tile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import apsw

from audit_service.evidence.tree import StoredTile
from audit_service.evidence.tree_file import create, has_content, is_made, transaction
from audit_service.evidence.tree_table import Growth, Identity, SignedHead, TreeTable
from audit_service.evidence.witness_table import StoredCosignature, WitnessTable
from audit_service.log.sqlite_connections import connect, file_at, store_errors

_TABLE = TreeTable("?")
_WITNESSES = WitnessTable("?")


class SqliteTree:
    """A TreeStore (see there). Who reads connects for each use; who lets it grow stays connected,
    so that no reader is the last to close the file, which would then write its WAL back.
    """

    def __init__(self, path: str) -> None:
        """`path`: of the file, which the first growth makes."""
        self._path = path
        self._writer: apsw.Connection | None = None
        self._file: tuple[int, int] | None = None

    def identity(self) -> Identity | None:
        with self._reading() as db:
            return _TABLE.identity(db.execute) if db else None

    def newest(self) -> SignedHead | None:
        with self._reading() as db:
            return _TABLE.newest(db.execute) if db else None

    def heads(self, above: int) -> list[SignedHead]:
        with self._reading() as db:
            return _TABLE.heads(db.execute, above) if db else []

    def tile(self, level: int, number: int) -> bytes | None:
        with self.tiles() as tile:
            return tile(level, number)

    @contextmanager
    def tiles(self) -> Iterator[StoredTile]:
        with self._reading() as db:
            yield partial(_TABLE.tile, db.execute) if db else _no_tile

    def grow(self, growth: Growth, confirm: Callable[[], object]) -> None:
        with store_errors():
            try:
                with transaction(self._connected()) as db:
                    _TABLE.grow(db.execute, growth)
                    confirm()
            except (apsw.Error, OSError):
                self.close()
                raise

    def publish_newest(self) -> SignedHead | None:
        with self._changing() as db:
            newest = _TABLE.newest(db.execute) if db else None
            if db and newest:
                _TABLE.publish(db.execute, newest.size)
            return newest

    def cosignatures(self) -> list[StoredCosignature]:
        with self._reading() as db:
            return _WITNESSES.newest(db.execute) if db else []

    def add_cosignature(self, cosignature: StoredCosignature) -> None:
        with self._changing() as db:
            if db:
                _WITNESSES.add(db.execute, cosignature)

    def objections(self) -> dict[str, str]:
        with self._reading() as db:
            return _WITNESSES.objections(db.execute) if db else {}

    def set_objection(self, witness: str, reason: str) -> None:
        with self._changing() as db:
            if db:
                _WITNESSES.set_objection(db.execute, witness, reason)

    def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close(True)

    def _connected(self) -> apsw.Connection:
        """The connection that writes, to the file that is there now."""
        if self._writer is not None and file_at(self._path) != self._file:
            self.close()
        if self._writer is None:
            self._writer = create(self._path)
            self._file = file_at(self._path)
        return self._writer

    @contextmanager
    def _changing(self) -> Iterator[apsw.Connection | None]:
        """A connection in a transaction; likewise."""
        with self._reading() as db:
            if db is None:
                yield None
                return
            with transaction(db):
                yield db

    @contextmanager
    def _reading(self) -> Iterator[apsw.Connection | None]:
        """A connection; None where there is no tree yet."""
        with store_errors():
            if not has_content(self._path):
                yield None
                return
            db = connect(self._path, apsw.SQLITE_OPEN_READWRITE)
            try:
                yield db if is_made(db) else None
            finally:
                db.close(True)


def _no_tile(_level: int, _number: int) -> None:
    return None
