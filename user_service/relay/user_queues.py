"""User queues: the events in memory, a queue for each user, whose events go in their order."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from user_service.relay.queued_events import QueuedEvent


class UserQueues:
    """Events by user, in the order of their ids. Users take turns. Owned by the dispatcher thread.

    A user whose events are in a batch is blocked until `unblock`, so that no two batches have
    events of one user. An event is known from `add` until `forget`, and is not added twice.
    """

    def __init__(self, *, per_user: int) -> None:
        """`per_user`: how many events of a user are in memory at most."""
        self._per_user = per_user
        # Users of whom more events are in the outbox than fit.
        self._truncated: set[str] = set()
        # Without those that are in a batch.
        self._queues: dict[str, deque[QueuedEvent]] = {}
        # The user of each event, by its id; those that are in a batch, too.
        self._known: dict[int, str] = {}
        # Users with events in a batch, or in one whose outcome is not written.
        self._blocked: set[str] = set()
        # Users whose turn it is, in this order: they have a queue and are not blocked.
        self._ready: dict[str, None] = {}
        # By an event's id: how large its batch may be, less and less once one was refused.
        self._max_batch_size: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    @property
    def has_ready(self) -> bool:
        """Whether there is an event that may be sent."""
        return bool(self._ready)

    @property
    def needs_refill(self) -> bool:
        """Whether a user whose further events are in the outbox has few in memory."""
        return any(not self._has_enough(user) for user in self._truncated)

    def full(self) -> Collection[str]:
        """The users with enough events in memory."""
        return [user for user in self._queues if self._has_enough(user)]

    def add(self, events: Iterable[QueuedEvent]) -> None:
        """Add the events that are not known yet, the oldest first; of a user no more than fit."""
        self._truncated = {user for user in self._truncated if self._has_enough(user)}
        for event in events:
            if event.id in self._known:
                continue
            queue = self._queues.setdefault(event.subject, deque())
            if len(queue) >= self._per_user and event.id > queue[-1].id:
                self._truncated.add(event.subject)
                continue
            self._known[event.id] = event.subject
            queue.insert(_place(queue, event), event)
            self._make_ready(event.subject)

    def next_batch(self, max_batch: int, *, one_event_per_user: bool) -> Sequence[QueuedEvent]:
        """Remove the events to send next, at most `max_batch`, and block their users."""
        taken: list[QueuedEvent] = []
        users = []
        for user in self._ready:
            queue = self._queues[user]
            before = len(taken)
            while queue and len(taken) < (
                max_batch := min(max_batch, self._max_batch_size.get(queue[0].id, max_batch))
            ):
                taken.append(queue.popleft())
                if one_event_per_user:
                    break
            if len(taken) > before:
                users.append(user)
            if len(taken) >= max_batch:
                break
        for user in users:
            self._blocked.add(user)
            del self._ready[user]
        return taken

    def put_back(self, events: Sequence[QueuedEvent]) -> None:
        """Return events of a batch, before the later ones of their users."""
        for event in reversed(events):
            queue = self._queues.setdefault(event.subject, deque())
            # Nearly always first, unless an older dead letter was replayed meanwhile.
            first = (at for at, other in enumerate(queue) if other.id > event.id)
            queue.insert(next(first, len(queue)), event)

    def split(self, events: Sequence[QueuedEvent]) -> None:
        """Let the events of a batch be sent in batches of half its size from now on."""
        for event in events:
            self._max_batch_size[event.id] = (len(events) + 1) // 2

    def send_alone(self, events: Sequence[QueuedEvent]) -> None:
        """Let each of the events be sent by itself from now on."""
        for event in events:
            self._max_batch_size[event.id] = 1

    def forget(self, ids: Iterable[int]) -> None:
        """Let go of events that have ended or back off."""
        for number in ids:
            self._known.pop(number, None)
            self._max_batch_size.pop(number, None)

    def drop(self, event: QueuedEvent) -> None:
        """Forget an event of a batch, and with it all later ones of its user."""
        self.forget([event.id, *(later.id for later in self._queues.pop(event.subject, ()))])

    def unblock(self, users: Iterable[str]) -> None:
        """Let users have their turn again."""
        for user in users:
            self._blocked.discard(user)
            self._make_ready(user)

    def _has_enough(self, user: str) -> bool:
        return len(self._queues.get(user, ())) >= self._per_user / 2

    def _make_ready(self, user: str) -> None:
        if not self._queues.get(user):
            self._queues.pop(user, None)
        elif user not in self._blocked:
            self._ready.setdefault(user)


def _place(queue: deque[QueuedEvent], event: QueuedEvent) -> int:
    """Where an event belongs in the order of ids: at the end, unless it was replayed."""
    at = len(queue)
    while at and queue[at - 1].id > event.id:
        at -= 1
    return at
