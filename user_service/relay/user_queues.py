"""What the relay has in its hands: a queue for each user, whose events go one after the other."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from user_service.relay.outbox_queue import QueuedEvent


class UserQueues:
    """Events by user, in the order of their ids; users take turns, none has two turns at once.

    An event is known from when it is added until it is forgotten. A user whose events were
    taken has no turn before it is freed.
    """

    def __init__(self, *, per_user: int) -> None:
        """`per_user`: how many of a user are taken in at most, while others wait outside."""
        self._per_user = per_user
        # Users of whom more wait outside.
        self._truncated: set[str] = set()
        self._queues: dict[str, deque[QueuedEvent]] = {}
        self._known: dict[int, str] = {}
        self._blocked: set[str] = set()
        # Users who have a turn, the next one first.
        self._ready: dict[str, None] = {}
        # With how many others an event may be sent: less and less once such a batch was refused.
        self._max_batch_size: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    @property
    def has_ready(self) -> bool:
        """Whether there is something to take."""
        return bool(self._ready)

    @property
    def needs_refill(self) -> bool:
        """Whether there is no longer enough of a user of whom more wait outside."""
        return any(not self._has_enough(user) for user in self._truncated)

    def full(self) -> Collection[str]:
        """The users of whom there is enough."""
        return [user for user in self._queues if self._has_enough(user)]

    def add(self, events: Iterable[QueuedEvent]) -> None:
        """Take in those that are not known yet, the oldest first; of a user no more than fit."""
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
        """The next events to send together, at most `max_batch` of them; blocks their users."""
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
        """They are to be sent again, before the later ones of their users."""
        for event in reversed(events):
            queue = self._queues.setdefault(event.subject, deque())
            # Nearly always first, unless an older one was replayed meanwhile.
            first = (at for at, other in enumerate(queue) if other.id > event.id)
            queue.insert(next(first, len(queue)), event)

    def split(self, events: Sequence[QueuedEvent]) -> None:
        """Let them be sent with half as many others as they were."""
        for event in events:
            self._max_batch_size[event.id] = (len(events) + 1) // 2

    def forget(self, ids: Iterable[int]) -> None:
        """They are not the relay's concern any more, or not now."""
        for number in ids:
            self._known.pop(number, None)
            self._max_batch_size.pop(number, None)

    def drop(self, event: QueuedEvent) -> None:
        """Forget an event that was taken, and all later ones of its user."""
        self.forget([event.id, *(later.id for later in self._queues.pop(event.subject, ()))])

    def unblock(self, users: Iterable[str]) -> None:
        """Let them have their turn again."""
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
    """Where in the order of ids it belongs: nearly always at the end, unless it was replayed."""
    at = len(queue)
    while at and queue[at - 1].id > event.id:
        at -= 1
    return at
