"""A signed log of some hundred events, on either database, and copies of it to be altered."""

import random
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from audit_service.events import Event, JsonText, Tolerance, digest
from audit_service.evidence.checked_heads import kept_checkpoint, with_kept
from audit_service.evidence.hashed_rows import Altered
from audit_service.evidence.stored_log import StoredLog
from audit_service.evidence.verification import Verified, verify
from audit_service.files_beside import LOG_TREE
from audit_service.log import Backend, Origin, migrate, open_log
from audit_service.log.backend import Entry
from service_kit.process.ordered_work import in_order
from tests.support.evidence_alterations import ALTERATIONS, Database, database
from tests.support.evidence_log import KEY, SignedLog, signed_log
from tests.support.log_databases import SqliteStore, Store
from tests.support.random_events import random_event

TABLES = ("event", "origin", "salt", "tree_identity", "tree_tile", "tree_checkpoint")
COUNTS = (100, 156, 1, 290)


def append(log: Backend, choose: random.Random, count: int) -> None:
    """Events of every kind: from Kafka, tolerated, in conflict with others, with senders."""
    begin = log.last()
    entries = []
    for n in range(begin, begin + count):
        made = random_event(choose)
        event_id = f"e-{n - 1 if n % 9 == 1 else n}"
        tolerated = (Tolerance.DATASCHEMA,) if n % 5 == 0 else ()
        attributes = {**made.attributes, "id": event_id, "n": n}
        event = Event(attributes, made.data or JsonText(b"{}"), tolerated)
        origin = Origin("topic", n % 3, n) if n % 4 == 0 else None
        entries.append(Entry(event, digest(event), origin, "sender" if n % 3 == 0 else None))
    log.commit(lambda: entries)


def verified(url: str, kept: bytes | None = None) -> Verified:
    """What `audit-service verify` finds. Raises Altered."""
    with StoredLog(url) as log:
        heads = [checkpoint for checkpoint, _ in log.heads(KEY.verifier)]
        if kept is not None:
            heads = with_kept(heads, kept_checkpoint(kept, KEY.verifier))
        return verify(log, heads, in_order, lambda _: None)


class Copies:
    """The log, signed in several steps, and copies of it, one at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.choose = random.Random(23)
        migrate(store.url)
        with self._signed() as signed:
            for count in COUNTS:
                self.grow(signed, count)
        if not isinstance(store, SqliteStore):
            with database(store.url) as db:
                for table in TABLES:
                    db.run(f"CREATE TABLE kept_{table} AS TABLE {table}")

    def grow(self, signed: SignedLog, count: int) -> bytes:
        """Append events, and sign them; the checkpoint, which is given away."""
        append(signed.log, self.choose, count)
        signed.catch_up()
        newest = signed.tree.publish_newest()
        assert newest is not None
        return newest.note

    @contextmanager
    def copy(self) -> Iterator[str]:
        """The URL of a copy, which is gone after the block."""
        if isinstance(self._store, SqliteStore):
            source = Path(self._store.url.removeprefix("sqlite:///"))
            target = source.with_name("copy.db")
            for suffix in ("", LOG_TREE):
                shutil.copy(f"{source}{suffix}", f"{target}{suffix}")
            yield f"sqlite:///{target}"
            return
        try:
            yield self._store.url
        finally:
            with database(self._store.url) as db:
                self.restore(db)

    def restore(self, db: Database) -> None:
        """Put back all rows as they were, in PostgreSQL."""
        db.run(f"TRUNCATE {', '.join(TABLES)}")
        for table in TABLES:
            db.run(f"INSERT INTO {table} SELECT * FROM kept_{table}")

    @contextmanager
    def signed_copy(self) -> Iterator[tuple[str, SignedLog]]:
        """A copy that can grow."""
        with self.copy() as url, self._signed(url) as signed:
            yield url, signed

    @contextmanager
    def _signed(self, url: str = "") -> Iterator[SignedLog]:
        store = self._store
        if url and isinstance(store, SqliteStore):
            store = SqliteStore(Path(url.removeprefix("sqlite:///")))
        with closing(open_log(store.url)) as log, signed_log(store, log) as signed:
            yield signed


def missed_alterations(copies: Copies, count: int) -> list[str]:
    """Of so many alterations, of all kinds in turn, those that are not detected."""
    missed = []
    for n in range(count):
        with copies.copy() as url:
            with database(url) as db:
                done = ALTERATIONS[n % len(ALTERATIONS)](db, copies.choose)
            try:
                verified(url)
                missed.append(done)
            except Altered:
                pass
    return missed


def false_alarms(copies: Copies, count: int) -> list[str]:
    """What is said of a log that is not altered, at so many sizes of it."""
    alarms = []
    with copies.signed_copy() as (url, signed):
        for _ in range(count):
            copies.grow(signed, copies.choose.randint(1, 12))
            append(signed.log, copies.choose, copies.choose.randint(0, 3))
            try:
                verified(url)
            except Altered as error:
                alarms.append(str(error))
    return alarms
