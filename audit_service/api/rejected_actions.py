"""Actions on rejected messages, each of which the log tells of where access is controlled."""

from dataclasses import dataclass
from http import HTTPStatus

from audit_service.access.bounds import SourceForbidden
from audit_service.access.own_events import OwnEvents, Told
from audit_service.events import REJECTIONS
from audit_service.events.reader import EventReader
from audit_service.log import EventLog
from audit_service.rejected import RejectedStore, StoredRejection
from audit_service.rejected.redrive import redrive
from service_kit.access.principal import current
from service_kit.concurrency import Runner
from service_kit.http.problems import Problem

MAX_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class RejectedActions:
    """What can be done with a rejected message. `run`: runs what reads much.

    Each raises Problem, 404, where there is none, and LogUnavailable.
    """

    store: RejectedStore
    event_log: EventLog
    reader: EventReader
    run: Runner
    own_events: OwnEvents

    def existing(self, number: int) -> StoredRejection:
        """The message; it blocks."""
        rejection = self.store.get(number) if number <= MAX_ID else None
        if rejection is None:
            raise Problem(HTTPStatus.NOT_FOUND, "there is no rejected message with this id")
        return rejection

    def redrive(self, number: int) -> int:
        """Read it again, and store its events; how many they are.

        Raises Problem, 409, where it is still refused.
        """
        rejection = self.run(lambda: self.existing(number))
        told = self.own_events.entries(Told.REDRIVEN, current(), f"{number}")
        try:
            return redrive(
                *(rejection, self.event_log, self.store, self.reader),
                run=self.run,
                told=told,
                is_controlled=self.own_events.is_telling,
            )
        except (*REJECTIONS, SourceForbidden) as error:
            raise Problem(HTTPStatus.CONFLICT, f"it is still refused: {error}") from None

    def drop(self, number: int) -> None:
        """Forget it."""
        found = self.run(lambda: self.existing(number)).message
        self.own_events.tell(
            *(Told.DROPPED, current(), f"{number}"),
            **found.told(),
        )
        self.run(lambda: self.store.drop(number))
