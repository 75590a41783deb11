"""What the relay has in its hands: a lane for each user, whose events go one after the other."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from user_service.relay.outbox_queue import Waiting


class Lanes:
    """Events by user, in the order of their ids; users take turns, none has two turns at once.

    An event is known from when it is added until it is forgotten. A user whose events were
    taken has no turn before it is freed.
    """

    def __init__(self, *, per_user: int) -> None:
        """`per_user`: how many of a user are taken in at most, while others wait outside."""
        self._per_user = per_user
        # Users of whom more wait outside.
        self._cut: set[str] = set()
        self._lanes: dict[str, deque[Waiting]] = {}
        self._known: dict[int, str] = {}
        self._busy: set[str] = set()
        # Users who have a turn, the next one first.
        self._turns: dict[str, None] = {}
        # With how many others an event may be sent: less and less once such a batch was refused.
        self._company: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    @property
    def has_turn(self) -> bool:
        """Whether there is something to take."""
        return bool(self._turns)

    @property
    def runs_low(self) -> bool:
        """Whether there is no longer enough of a user of whom more wait outside."""
        return any(not self._has_enough(user) for user in self._cut)

    def full(self) -> Collection[str]:
        """The users of whom there is enough."""
        return [user for user in self._lanes if self._has_enough(user)]

    def add(self, events: Iterable[Waiting]) -> None:
        """Take in those that are not known yet, the oldest first; of a user no more than fit."""
        self._cut = {user for user in self._cut if self._has_enough(user)}
        for event in events:
            if event.id in self._known:
                continue
            lane = self._lanes.setdefault(event.subject, deque())
            if len(lane) >= self._per_user and event.id > lane[-1].id:
                self._cut.add(event.subject)
                continue
            self._known[event.id] = event.subject
            lane.insert(_place(lane, event), event)
            self._give_turn(event.subject)

    def take(self, most: int, *, one_event_per_user: bool) -> Sequence[Waiting]:
        """The next events to send together, at most `most` of them; their users are busy then."""
        taken: list[Waiting] = []
        users = []
        for user in self._turns:
            lane = self._lanes[user]
            before = len(taken)
            while lane and len(taken) < (most := min(most, self._company.get(lane[0].id, most))):
                taken.append(lane.popleft())
                if one_event_per_user:
                    break
            if len(taken) > before:
                users.append(user)
            if len(taken) >= most:
                break
        for user in users:
            self._busy.add(user)
            del self._turns[user]
        return taken

    def put_back(self, events: Sequence[Waiting]) -> None:
        """They are to be sent again, before the later ones of their users."""
        for event in reversed(events):
            lane = self._lanes.setdefault(event.subject, deque())
            # Nearly always first, unless an older one was replayed meanwhile.
            first = (at for at, other in enumerate(lane) if other.id > event.id)
            lane.insert(next(first, len(lane)), event)

    def split(self, events: Sequence[Waiting]) -> None:
        """Let them be sent with half as many others as they were."""
        for event in events:
            self._company[event.id] = (len(events) + 1) // 2

    def forget(self, ids: Iterable[int]) -> None:
        """They are not the relay's concern any more, or not now."""
        for number in ids:
            self._known.pop(number, None)
            self._company.pop(number, None)

    def drop(self, event: Waiting) -> None:
        """Forget an event that was taken, and all later ones of its user."""
        self.forget([event.id, *(later.id for later in self._lanes.pop(event.subject, ()))])

    def free(self, users: Iterable[str]) -> None:
        """Let them have their turn again."""
        for user in users:
            self._busy.discard(user)
            self._give_turn(user)

    def _has_enough(self, user: str) -> bool:
        return len(self._lanes.get(user, ())) >= self._per_user / 2

    def _give_turn(self, user: str) -> None:
        if not self._lanes.get(user):
            self._lanes.pop(user, None)
        elif user not in self._busy:
            self._turns.setdefault(user)


def _place(lane: deque[Waiting], event: Waiting) -> int:
    """Where in the order of ids it belongs: nearly always at the end, unless it was replayed."""
    at = len(lane)
    while at and lane[at - 1].id > event.id:
        at -= 1
    return at
