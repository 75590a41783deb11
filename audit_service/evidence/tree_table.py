"""Statements on the tables of a tree, the same in every database but for their placeholders."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from audit_service.evidence.tiles import Tile
from audit_service.log.backend import Execute

MINUTE: Final = 60 * 1_000_000
HEADS: Final = 1000


class TreeMoved(Exception):
    """The tree is not the one that was to grow: another process has grown it, or begun it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose tree it is, from its first use on: the origin, and the key that signs."""

    origin: str
    verifier_key: str


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A checkpoint that was signed. `root`: 32 bytes; `signed_at`: microseconds since 1970, UTC;
    `note`: the signed note.
    """

    size: int
    root: bytes
    signed_at: int
    note: bytes


@dataclass(frozen=True, slots=True)
class Growth:
    """A tree that grows: the newest checkpoint before, None at its first use, and after, with the
    tiles that it gets or widens.
    """

    identity: Identity
    before: SignedHead | None
    after: SignedHead
    tiles: Sequence[Tile]


class TreeTable:
    """The statements. Each change MUST be in a transaction, under a lock that all others take.

    A change takes a row out and puts another in its place: no UPDATE, which a database need not
    grant for the log that is beside these tables.
    """

    def __init__(self, mark: Literal["?", "%s"]) -> None:
        """`mark`: the placeholder of a parameter."""
        head = "SELECT size, root, signed_at, note FROM tree_checkpoint"
        self._newest = f"{head} ORDER BY size DESC LIMIT 1"
        self._heads = f"{head} WHERE size > {mark} ORDER BY size LIMIT {HEADS}"
        self._identity = "SELECT origin, verifier_key FROM tree_identity"
        self._tile = f"SELECT hashes FROM tree_tile WHERE level = {mark} AND number = {mark}"
        self._set_identity = f"INSERT INTO tree_identity VALUES (1, {mark}, {mark})"
        self._remove_tile = f"DELETE FROM tree_tile WHERE level = {mark} AND number = {mark}"
        self._add_tile = f"INSERT INTO tree_tile VALUES ({mark}, {mark}, {mark})"
        self._add_head = f"INSERT INTO tree_checkpoint VALUES ({', '.join([mark] * 4)})"
        self._remove_head = f"""DELETE FROM tree_checkpoint WHERE size = {mark}
            AND size NOT IN (SELECT size FROM tree_published)"""
        self._publish = f"INSERT INTO tree_published VALUES ({mark}) ON CONFLICT DO NOTHING"

    def identity(self, execute: Execute) -> Identity | None:
        """Whose tree it is; None before its first use."""
        for origin, verifier_key in execute(self._identity, ()):
            return Identity(origin, verifier_key)
        return None

    def newest(self, execute: Execute) -> SignedHead | None:
        """The newest checkpoint; None before the first."""
        for size, root, signed_at, note in execute(self._newest, ()):
            return SignedHead(size, bytes(root), signed_at, bytes(note))
        return None

    def heads(self, execute: Execute, above: int) -> list[SignedHead]:
        """The checkpoints above a size, the smallest first, HEADS of them at most."""
        return [
            SignedHead(size, bytes(root), signed_at, bytes(note))
            for size, root, signed_at, note in execute(self._heads, (above,))
        ]

    def tile(self, execute: Execute, level: int, number: int) -> bytes | None:
        """The hashes of a tile as wide as it is now; None where there is none."""
        for (hashes,) in execute(self._tile, (level, number)):
            return bytes(hashes)
        return None

    def grow(self, execute: Execute, growth: Growth) -> None:
        """Add tiles and a checkpoint. Raises TreeMoved.

        Of the checkpoints of one minute that nobody was given, the last is kept.
        """
        before, after = growth.before, growth.after
        known = growth.identity if before else None
        if (self.newest(execute), self.identity(execute)) != (before, known):
            raise TreeMoved
        if before is None:
            execute(self._set_identity, (growth.identity.origin, growth.identity.verifier_key))
        for tile in growth.tiles:
            execute(self._remove_tile, (tile.level, tile.index))
            execute(self._add_tile, (tile.level, tile.index, tile.hashes))
        if before and before.signed_at // MINUTE == after.signed_at // MINUTE:
            execute(self._remove_head, (before.size,))
        execute(self._add_head, (after.size, after.root, after.signed_at, after.note))

    def publish(self, execute: Execute, size: int) -> None:
        """Have the checkpoint of that size be kept for ever."""
        execute(self._publish, (size,))
