"""Claims: what keeps others from changing a user, within a transaction, whoever's it is."""

import structlog
from sqlalchemy import Connection, delete, insert, select

from user_service.store.holds import Claim, Lapse
from user_service.store.tables import CLAIMS
from user_service.users.domain import ChangeUnderWay

log = structlog.get_logger()


class Claims:
    """One of a user at a time, with the event that is being delivered meanwhile."""

    def __init__(self, lapse: Lapse) -> None:
        self._lapse = lapse

    def put(self, connection: Connection, claim: Claim, version: int, event: bytes) -> None:
        """Claim the user; `version`: what they will be at."""
        connection.execute(
            insert(CLAIMS).values(
                user_id=claim.user_id,
                holder=claim.holder,
                version=version,
                event=event,
                lapses_at=self._lapse.moment(),
            )
        )

    def clear_lapsed(self, connection: Connection, user_id: str) -> None:
        """Let there be none of the user. Raises ChangeUnderWay where one has not lapsed."""
        claim = connection.execute(select(CLAIMS).where(CLAIMS.c.user_id == user_id)).one_or_none()
        if claim is None:
            return
        if not self._lapse.is_past(claim.lapses_at):
            raise ChangeUnderWay
        connection.execute(delete(CLAIMS).where(CLAIMS.c.user_id == user_id))
        log.warning(
            "cleared a change that was begun and never made; the sink may have its event",
            user_id=user_id,
            version=claim.version,
            event_json=claim.event.decode(),
        )

    def drop(self, connection: Connection, claim: Claim) -> bool:
        """Let go of it; whether it was still held."""
        mine = (CLAIMS.c.user_id == claim.user_id, CLAIMS.c.holder == claim.holder)
        return connection.execute(delete(CLAIMS).where(*mine)).rowcount == 1
