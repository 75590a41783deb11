"""Index of a log, as queries read it: a view of it, or none while it is of no use."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import apsw
import structlog

from audit_service.log import Backend
from audit_service.search.index import place
from audit_service.search.index.faults import IndexDamaged, IndexUnusable, index_errors
from audit_service.search.index.file import open_to_read
from audit_service.search.index.mark import Mark, check_mark, read_mark
from audit_service.search.index.view import IndexView

log = structlog.get_logger()


class SearchIndex:
    """The index in a file, read by a connection in each thread.

    Another process makes it, removes it and makes it anew; what is wrong with it is said once.
    """

    def __init__(self, path: str | None, backend: Backend) -> None:
        """`path`: None where there is none, and never will be."""
        self._path = path
        self._backend = backend
        self._thread = threading.local()
        self._all: list[apsw.Connection] = []
        self._fault = ""

    @contextmanager
    def view(self) -> Iterator[IndexView | None]:
        """What is in it now; None where it cannot be used. The block MUST raise IndexUnusable on.

        Raises LogUnavailable.
        """
        view = None
        try:
            try:
                with index_errors():
                    view = self._begin()
            except IndexUnusable as error:
                self.give_up(error)
            yield view
        finally:
            self._end()

    def mark(self) -> Mark | None:
        """How far it came, None where it cannot be used. Raises LogUnavailable."""
        with self.view() as view:
            return None if view is None else view.mark

    def give_up(self, error: IndexUnusable) -> None:
        """Use this thread's connection no more, and say why, once for each reason.

        One that is damaged is made anew: who writes to it may never read what is damaged.
        """
        if self._fault != str(error):
            log.warning("the index cannot be used; queries scan the log", reason=str(error))
        self._fault = str(error)
        self._drop()
        if self._path is not None and isinstance(error, IndexDamaged):
            with suppress(OSError):
                place.ask_for_rebuild(self._path)

    def close(self) -> None:
        """Close every connection; the index is not used afterwards."""
        while self._all:
            self._all.pop().close()

    def _begin(self) -> IndexView | None:
        db = self._connection()
        if db is None:
            return None
        db.execute("BEGIN")
        mark = read_mark(db)
        if mark is None:
            return None
        check_mark(mark, self._backend)
        self._fault = ""
        return IndexView(db, mark)

    def _end(self) -> None:
        db: apsw.Connection | None = getattr(self._thread, "db", None)
        if db is not None and db.in_transaction:
            with suppress(apsw.Error):
                db.execute("ROLLBACK")

    def _connection(self) -> apsw.Connection | None:
        """This thread's own, on the file that is there now."""
        if self._path is None:
            return None
        found = place.identity(self._path)
        db: apsw.Connection | None = getattr(self._thread, "db", None)
        if db is not None and self._thread.file == found:
            return db
        self._drop()
        if found is None:
            return None
        try:
            db = open_to_read(self._path)
        except apsw.Error as error:
            # Whether it is an index that is damaged, or none, who writes to it finds out.
            raise IndexUnusable(f"{type(error).__name__}: {error}") from error
        self._thread.db, self._thread.file = db, found
        self._all.append(db)
        return db

    def _drop(self) -> None:
        db: apsw.Connection | None = getattr(self._thread, "db", None)
        if db is not None:
            self._thread.db = None
            with suppress(ValueError):
                self._all.remove(db)
            with suppress(apsw.Error):
                db.close(True)
