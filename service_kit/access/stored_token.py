"""Stored tokens: what is kept of each, and their table, the same in every database."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

COLUMNS: Final = ("name", "digest", "scopes", "bounds", "created_at", "expires_at", "revoked_at")

Execute = Callable[[str, Sequence[Any]], Iterable[Sequence[Any]]]
"""Runs a statement with its parameters, in a transaction; the rows."""


class NameTaken(Exception):
    """There is a token of that name, which holds."""


class NoSuchToken(Exception):
    """There is no token of that name that holds."""


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token without its text. Times: microseconds since 1970, None for never.

    `bounds`: see Principal.
    """

    name: str
    digest: bytes
    scopes: frozenset[str]
    bounds: tuple[str, ...]
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None

    def holds_at(self, now: int) -> bool:
        """Whether it is one that lets its bearer in."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class TokenTable:
    """Statements on the table `token`. Each change MUST be in a transaction of its own."""

    def __init__(self, mark: Literal["?", "%s"]) -> None:
        """`mark`: the placeholder of a parameter."""
        columns = ", ".join(COLUMNS)
        self._all = f"SELECT {columns} FROM token ORDER BY created_at, digest"
        self._insert = f"""INSERT INTO token ({columns})
            VALUES ({", ".join([mark] * len(COLUMNS))})"""
        self._delete = f"DELETE FROM token WHERE digest = {mark}"

    def all(self, execute: Execute) -> list[StoredToken]:
        """Every token that there ever was."""
        return [_token(row) for row in execute(self._all, ())]

    def create(self, execute: Execute, token: StoredToken) -> None:
        """Add one. Raises NameTaken."""
        if self._holding(execute, token.name, token.created_at):
            raise NameTaken
        execute(self._insert, _row(token))

    def rotate(self, execute: Execute, token: StoredToken, keep_until: int) -> StoredToken:
        """Add one in the place of those of its name, which hold until then; the newest of these.

        Its scopes, bounds and for how long it holds are theirs. Raises NoSuchToken.
        """
        before = self._holding(execute, token.name, token.created_at)
        if not before:
            raise NoSuchToken
        for each in before:
            if each.expires_at is None or each.expires_at > keep_until:
                self._replace(execute, replace(each, expires_at=keep_until))
        newest = before[-1]
        made = token.created_at
        ends = newest.expires_at and made + newest.expires_at - newest.created_at
        added = replace(newest, digest=token.digest, created_at=made, expires_at=ends)
        execute(self._insert, _row(added))
        return added

    def revoke(self, execute: Execute, name: str, now: int) -> None:
        """End all of that name at once. Raises NoSuchToken."""
        holding = self._holding(execute, name, now)
        if not holding:
            raise NoSuchToken
        for each in holding:
            self._replace(execute, replace(each, revoked_at=now))

    def _replace(self, execute: Execute, token: StoredToken) -> None:
        # No UPDATE, which a database need not grant for the log that is beside this table.
        execute(self._delete, (token.digest,))
        execute(self._insert, _row(token))

    def _holding(self, execute: Execute, name: str, now: int) -> list[StoredToken]:
        return [each for each in self.all(execute) if each.name == name and each.holds_at(now)]


def _token(row: Sequence[Any]) -> StoredToken:
    name, digest, scopes, bounds, *times = row
    return StoredToken(
        name, bytes(digest), frozenset(scopes.split(" ")), tuple(json.loads(bounds)), *times
    )


def _row(token: StoredToken) -> Sequence[Any]:
    return (
        token.name,
        token.digest,
        " ".join(sorted(token.scopes)),
        json.dumps(token.bounds),
        token.created_at,
        token.expires_at,
        token.revoked_at,
    )
