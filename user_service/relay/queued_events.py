"""Events of the outbox in memory: as they are read, and their outcomes as they will be written."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """An event of the outbox.

    `subject`: the user's id; `event`: in the JSON format; `tried_seconds`: how long it was tried
    by itself; `backoff_seconds`: its last backoff, 0 where it does not back off.
    """

    id: int
    subject: str
    event: bytes
    tried_seconds: float = 0.0
    backoff_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class BackingOff:
    """An event that is tried again later, and holds back the later ones of its user."""

    id: int
    subject: str
    seconds: float


@dataclass(slots=True)
class PendingWrites:
    """Outcomes of events that were sent, until they are written.

    `delivered`: ids; `failed`: ids, by what went wrong, of those to be sent again at once;
    `backing_off`: events with their new times, and what went wrong; `dead`: reasons, by id.
    `users`: of all these events; `since`: of the first outcome, by the relay's clock; `size`: how
    many events; `frees_later_events`: whether one of them held back later events in the outbox.
    """

    delivered: list[int] = field(default_factory=list)
    failed: dict[str, list[int]] = field(default_factory=dict)
    backing_off: list[tuple[QueuedEvent, str]] = field(default_factory=list)
    dead: dict[int, str] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    since: float = 0.0
    size: int = 0
    frees_later_events: bool = False

    def add(self, events: Sequence[QueuedEvent], at: float) -> None:
        """Count events in that were sent. The caller adds the outcome of each."""
        if not self.size:
            self.since = at
        self.size += len(events)
        self.users.update(event.subject for event in events)
