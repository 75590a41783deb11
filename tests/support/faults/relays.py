"""Two relays for one outbox, and which of them is the active one."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from tests.support import processes
from tests.support.processes import Relay
from tests.support.waiting import wait_until
from user_service.store import outbox_admin
from user_service.store.transactions import reading


@dataclass(frozen=True)
class Pair:
    """Both of them."""

    relays: tuple[Relay, Relay]
    engine: Engine

    def active(self) -> Relay | None:
        """The one that holds the lease; None where it is held by neither any more."""
        with reading(self.engine) as connection:
            holder = outbox_admin.lease(connection).holder
        pid = int(holder.rpartition(":")[2]) if holder else 0
        return next((relay for relay in self.relays if relay.pid == pid), None)

    def other(self, relay: Relay) -> Relay:
        """The one that is not this one."""
        first, second = self.relays
        return second if relay is first else first


@contextmanager
def pair(
    folder: Path,
    engine: Engine,
    url: str,
    sink: str,
    environments: Sequence[Mapping[str, str]] = ({}, {}),
    **settings: object,
) -> Iterator[Pair]:
    """Two relays that run, one of them active. `url`: of the database of `engine`;
    `environments`: variables for each.
    """
    settings = {"USER_SERVICE_DATABASE_URL": url, **settings}
    with ExitStack() as running:
        first, second = (
            running.enter_context(processes.relay(folder, sink, **settings, **its_own))
            for its_own in environments
        )
        both = Pair((first, second), engine)
        wait_until(both.active, what="one being active")
        yield both
