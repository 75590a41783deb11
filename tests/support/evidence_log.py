"""Logs with a tree over them, for tests of the log's evidence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from audit_service.evidence.checkpoints import Checkpoint, open_checkpoint
from audit_service.evidence.integrator import (
    RETRY_SECONDS,
    SALT_EVENTS,
    SIGN_SECONDS,
    Integrator,
)
from audit_service.evidence.leaf import leaf_of
from audit_service.evidence.log_key import LogKey
from audit_service.evidence.note_keys import SigningKey, generate_key
from audit_service.evidence.tree_store import TreeStore, open_tree
from audit_service.files_beside import LOG_TREE
from audit_service.log import Backend
from audit_service.log.recent_records import STEP_RECORDS, RecentRecords
from service_kit import disk_reserve
from service_kit.disk_reserve import HasRoom
from tests.support.log_databases import Store, everything
from tests.support.manual_clock import ManualClock

KEY = generate_key("log.example/tests")
SIZE = 600
"""Events of the log that the API serves: tiles of both widths."""


class SignedLog:
    """A log, its tree, and what lets it grow, in this thread and by a clock of its own."""

    def __init__(
        self,
        store: Store,
        log: Backend,
        key: SigningKey | None = KEY,
        has_room: HasRoom = disk_reserve.always,
    ) -> None:
        self.log = log
        self.tree: TreeStore = open_tree(store.url)
        self.clock = ManualClock()
        self.has_room = has_room
        self.records = RecentRecords(log)
        self.key_source = LogKey(key.private_text if key else "", "", None)
        self.integrator = self.integrator_with()

    def integrator_with(
        self, most_leaves: int = STEP_RECORDS, salts_at_once: int = SALT_EVENTS
    ) -> Integrator:
        """Another one."""
        return Integrator(
            *(self.records, self.tree, self.key_source, self.has_room, self.clock),
            most_leaves=most_leaves,
            salts_at_once=salts_at_once,
        )

    def catch_up(self) -> None:
        """Sign all that is in the log, or be sure that nothing is signed."""
        for _ in range(3):
            self.clock.now += SIGN_SECONDS
            while self.integrator.step():
                pass

    def wait(self) -> None:
        """Let so much time go by that it looks again after a fault."""
        self.clock.now += RETRY_SECONDS

    @property
    def size(self) -> int:
        """Leaves of the newest checkpoint; -1 where there is none."""
        newest = self.tree.newest()
        return -1 if newest is None else newest.size

    def checkpoint(self, key: SigningKey = KEY) -> Checkpoint:
        """The newest, verified."""
        newest = self.tree.newest()
        assert newest is not None
        return open_checkpoint(newest.note, key.verifier)[0]

    def leaves(self) -> list[bytes]:
        """Of all events, as they are now."""
        return [leaf_of(record) for record in everything(self.log).records[::-1]]

    def close(self) -> None:
        self.tree.close()


@contextmanager
def signed_log(store: Store, log: Backend, key: SigningKey | None = KEY) -> Iterator[SignedLog]:
    """The tree of a log; closed at the end of the block, without the log."""
    signed = SignedLog(store, log, key)
    try:
        yield signed
    finally:
        signed.close()


def alter_tree(store: Store, sql: str) -> None:
    """Run SQL on the tables of the tree, as an intruder would."""
    if not store.url.startswith("sqlite"):
        store.execute(sql)
        return
    path = Path(store.url.removeprefix("sqlite:///") + LOG_TREE)
    db = apsw.Connection(str(path))
    try:
        db.execute(sql)
    finally:
        db.close()


def alter_log(store: Store, sql: str) -> None:
    """Run SQL on the events, with nothing that keeps them from being changed."""
    if store.url.startswith("sqlite"):
        names = [f"event_is_never_{what}" for what in ("changed", "deleted")]
        store.execute("".join(f"DROP TRIGGER IF EXISTS {name};" for name in names) + sql)
    else:
        store.execute(f"ALTER TABLE event DISABLE TRIGGER ALL; {sql}")
