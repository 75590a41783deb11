"""Unsettled intents: found, and taken over from a holder that has let go of them or is gone."""

from collections.abc import Sequence

from sqlalchemy import Engine

from user_service.store import intents
from user_service.store.intents import Claim, ClaimLost, Intent, Unsettled
from user_service.store.transactions import reading, writing
from user_service.users.domain import ConcurrentChange


class UnsettledIntents:
    """The intents of all processes. Safe for any number of threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def some(self) -> Sequence[Unsettled]:
        """Those that are held, and of those that are released the least often tried."""
        with reading(self._engine) as connection:
            return intents.unsettled(connection)

    def take_over(self, claim: Claim) -> tuple[Intent, Claim] | None:
        """Take an intent over as it was found; None where another process was first."""
        with writing(self._engine) as connection:
            ours = intents.take_over(connection, claim)
            found = ours and intents.find(connection, claim.user_id)
        return (found[0], ours) if ours and found else None

    def reclaim(self, user_id: str) -> tuple[Intent, Claim]:
        """Take the user's intent over. Raises ConcurrentChange unless it is released."""
        with reading(self._engine) as connection:
            found = intents.find(connection, user_id)
        taken = found and found[1].released and self.take_over(found[1].claim)
        if not taken:
            raise ConcurrentChange
        return taken

    def keep_withdrawal(self, claim: Claim, event: bytes) -> None:
        """Keep the event that takes a creation back, before a byte of it is sent.

        MUST NOT return before it is on disk. Raises ClaimLost.
        """
        with writing(self._engine) as connection:
            if not intents.keep_withdrawal(connection, claim, event):
                raise ClaimLost
