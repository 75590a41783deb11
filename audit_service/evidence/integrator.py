"""Integrator: follows the log, and signs a tree over its events, step by step."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from audit_service.evidence.checkpoints import Checkpoint, sign_checkpoint
from audit_service.evidence.leaf import leaf_of
from audit_service.evidence.log_key import LogKey, NoKey, SigningStopped
from audit_service.evidence.merkle import leaf_hash
from audit_service.evidence.note_keys import SigningKey
from audit_service.evidence.tiles import Tile
from audit_service.evidence.tree import Tree
from audit_service.evidence.tree_check import checked_tree, leaf_hash_at
from audit_service.evidence.tree_store import TreeStore
from audit_service.evidence.tree_table import Growth, Identity, SignedHead, TreeMoved
from audit_service.log import LogUnavailable, Record
from audit_service.log.positions import late_salts
from audit_service.log.recent_records import STEP_RECORDS, RecentRecords
from service_kit.clock import now_in_microseconds
from service_kit.disk_reserve import HasRoom

log = structlog.get_logger()

SIGN_SECONDS: Final = 1.0
"""Between two checkpoints, but where as much has come as one step adds."""
RETRY_SECONDS: Final = 5.0
"""After which it looks again whether it may sign, or whether another process still does."""
SALT_EVENTS: Final = 500
"""That get salts in one transaction, for which appends wait on SQLite."""
BYTES_PER_LEAF: Final = 64
_COMMIT_BYTES: Final = 256 * 1024


class Integrator:
    """The tree of one log. For one thread. Of several processes one grows it: the others find it
    moved, and look again later; what keeps the tree consistent is the store.
    """

    def __init__(
        self,
        records: RecentRecords,
        store: TreeStore,
        key: LogKey,
        has_room: HasRoom,
        clock: Callable[[], float] = time.monotonic,
        *,
        objection: Callable[[], str | None] = lambda: None,
        most_leaves: int = STEP_RECORDS,
        salts_at_once: int = SALT_EVENTS,
    ) -> None:
        """`has_room`: asked before it writes so many bytes; `objection`: why others want nothing
        to be signed, None where they do not; `most_leaves`: with which a checkpoint is due at once;
        `salts_at_once`: see SALT_EVENTS.
        """
        self._records, self._store, self._key_source = records, store, key
        self._has_room = has_room
        self._clock = clock
        self._objection = objection
        self._most_leaves, self._salts_at_once = most_leaves, salts_at_once
        self._fault = ""
        self._paused_until = self._signed_at = float("-inf")
        # How many events this process has signed: it never begins anew with fewer.
        self._signed = 0
        # Of another process, while this one stands by.
        self._head_of_other: SignedHead | None = None
        # All of this is read anew after whatever was raised.
        self._key: SigningKey | None = None
        self._tree = Tree()
        self._head: SignedHead | None = None
        self._leaves: list[bytes] = []

    def step(self) -> int:
        """Add what follows, some thousand events at most; how many it was.

        0, too, where it may not, which is said. Raises LogUnavailable.
        """
        if self._clock() < self._paused_until:
            return 0
        try:
            if self._key is None and not self._begin():
                return 0
            added = self._hash_some()
            if self._is_due():
                self._sign()
        except TreeMoved:
            self._stand_by(self._store.newest())
        except SigningStopped as error:
            self._pause()
            self._say(error)
        except LogUnavailable:
            self._forget()
            raise
        else:
            return added
        return 0

    def _begin(self) -> bool:
        """Take up the tree where it is; False while another process lets it grow."""
        newest = self._store.newest()
        if self._head_of_other not in (None, newest):
            self._stand_by(newest)
            return False
        self._head_of_other = None
        if (0 if newest is None else newest.size) < self._signed:
            raise SigningStopped(f"the tree has lost what was signed: {self._signed} events")
        if self._store.identity() is None and newest is None:
            self._key = self._key_source.load_or_make()
            return True
        key = self._key_source.load()
        self._tree, self._head = checked_tree(self._records.log, self._store, key.verifier)
        self._key = key
        return True

    def _hash_some(self) -> int:
        if len(self._leaves) >= self._most_leaves:
            return 0
        last = self._tree.size + len(self._leaves)
        records = self._salted(self._records.after(last))
        for position, record in enumerate(records, last + 1):
            if record.position != position:
                raise SigningStopped(f"the event at {position} is missing")
        self._leaves += [leaf_hash(leaf_of(record)) for record in records]
        return len(records)

    def _salted(self, records: Sequence[Record]) -> Sequence[Record]:
        """The records, once all have salts."""
        lacking = [record.position for record in records if record.salts is None]
        if not lacking:
            return records
        # On disk before a leaf is made of them, and appends have their turn in between.
        size = self._salts_at_once
        for begin in range(0, len(lacking), size):
            self._records.log.add_salts(late_salts(lacking[begin : begin + size]))
        self._records.forget()
        return self._records.after(records[0].position - 1)[: len(records)]

    def _is_due(self) -> bool:
        if self._head is None or len(self._leaves) >= self._most_leaves:
            return True
        return bool(self._leaves) and self._clock() - self._signed_at >= SIGN_SECONDS

    def _sign(self) -> None:
        if (reason := self._objection()) is not None:
            raise SigningStopped(f"the log is not the one that was witnessed: {reason}")
        if not self._has_room(len(self._leaves) * BYTES_PER_LEAF + _COMMIT_BYTES):
            raise SigningStopped("the disk is full up to its reserve")
        tree, tiles = self._tree.grown(self._leaves)
        head = self._grow(tree, tiles)
        self._tree, self._head, self._leaves = tree, head, []
        self._signed_at, self._signed = self._clock(), head.size
        if self._fault:
            log.warning("the log is signed again", size=head.size)
        self._fault = ""

    def _grow(self, tree: Tree, tiles: Sequence[Tile]) -> SignedHead:
        """Sign the tree, and store it: nobody has the signature before."""
        key = self._signing_key
        note = sign_checkpoint(Checkpoint(key.name, tree.size, tree.root), key)
        head = SignedHead(tree.size, tree.root, now_in_microseconds(), bytes(note))
        identity = Identity(key.name, str(key.verifier))
        self._store.grow(Growth(identity, self._head, head, tiles), self._confirm)
        return head

    def _confirm(self) -> None:
        """Raise TreeMoved unless the log still has what was hashed: a database that was replaced,
        or had lost its end, gives the same positions to other events.
        """
        if self._leaves:
            last = self._tree.size + len(self._leaves)
            if leaf_hash_at(self._records.log, last) != self._leaves[-1]:
                raise TreeMoved

    @property
    def _signing_key(self) -> SigningKey:
        if self._key is None:
            raise SigningStopped("there is no key")
        return self._key

    def _stand_by(self, newest: SignedHead | None) -> None:
        """Leave the tree to the process that lets it grow, until it stands still for a while."""
        self._pause()
        self._head_of_other = newest

    def _pause(self) -> None:
        self._forget()
        self._paused_until = self._clock() + RETRY_SECONDS

    def _forget(self) -> None:
        self._key, self._head, self._leaves = None, None, []
        self._tree = Tree()
        self._records.forget()

    def _say(self, error: SigningStopped) -> None:
        if self._fault != str(error):
            say = log.warning if isinstance(error, NoKey) else log.error
            say("the log is not signed", reason=str(error))
        self._fault = str(error)
