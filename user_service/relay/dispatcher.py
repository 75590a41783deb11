"""What the active relay does, from when it holds the lease until it stops or loses it.

One thread decides everything; others only send. What is known of the outbox is kept in memory
and made anew with each lease.
"""

import time
from threading import Event

import structlog

from user_service.relay.circuit_breaker import Sink
from user_service.relay.lease import Lease, LeaseLost
from user_service.relay.outbox_queue import WaitingEvents
from user_service.relay.outcomes import Decisions
from user_service.relay.sender_pool import Senders
from user_service.store.transactions import StoreUnavailable

# How many events are in memory at most, and of one user.
WINDOW, PER_USER = 4000, 200
# What has ended is written together: after so many events or seconds, and sooner where no user
# has a turn before it is written. With 0.01 s in both cases single posts came a fifth slower.
SETTLE_EVENTS = 500
SETTLE_SECONDS, SETTLE_SOON_SECONDS = 0.1, 0.01
PURGE_SECONDS = 60.0
STOP_SECONDS = 8.0
DATABASE_SECONDS = 0.5
# How long nothing is looked after at most: neither `stop` nor a sending that is overdue.
IDLE_SECONDS = 1.0

log = structlog.get_logger()


class Holding:
    """The active relay. It is used by one thread, once."""

    def __init__(
        self,
        lease: Lease,
        waiting: WaitingEvents,
        senders: Senders,
        decisions: Decisions,
        *,
        look_seconds: float,
    ) -> None:
        """`look_seconds`: between two looks at an outbox that seems empty."""
        self._lease = lease
        self._waiting = waiting
        self._senders = senders
        self._decisions = decisions
        self._lanes = decisions.lanes
        self._pace = decisions.pace
        self._look_seconds = look_seconds
        self._next_look = 0.0
        self._next_purge = 0.0
        self._database_from = 0.0

    def run(self, stop: Event) -> None:
        """Deliver until `stop` is set, then finish what is under way.

        Raises LeaseLost, StoreUnavailable.
        """
        for event in self._waiting.backing_off():
            self._decisions.backoffs.add(event.id, event.seconds)
        while not stop.is_set():
            self._collect(self._idle_seconds())
            self._keep_up()
            self._send()
        deadline = time.monotonic() + STOP_SECONDS
        while self._senders.under_way and time.monotonic() < deadline:
            self._collect(0.1)
            self._keep_up()
        self._settle()
        self._lease.release()

    def _collect(self, patience: float) -> None:
        ended, woken = self._senders.collect(patience)
        for sent in ended:
            self._decisions.decide(sent)
        if woken:
            self._next_look = 0.0
        self._senders.cut_overdue()

    def _idle_seconds(self) -> float:
        """How long nothing needs to be done unless news come."""
        now = time.monotonic()
        seconds = [IDLE_SECONDS, self._lease.beat_in, self._decisions.backoffs.due_in]
        if self._decisions.settlement.size:
            seconds.append(self._settle_in)
        # No probe is made before what is under way has ended, and that is heard of.
        if self._lanes.has_turn and not self._senders.under_way:
            seconds.append(self._pace.probe_in)
        if self._may_look:
            seconds.append(self._look_in)
        return max(0.0, self._database_from - now, min(seconds))

    def _keep_up(self) -> None:
        """Keep the database and the memory together, and the lease alive."""
        if time.monotonic() < self._database_from:
            return
        try:
            self._settle_if_due()
            self._look_if_due()
            self._purge_if_due()
            if self._lease.beat_in <= 0:
                self._lease.beat()
        except StoreUnavailable as error:
            if not self._lease.is_fresh:
                raise LeaseLost from error
            log.warning("the database is unavailable", reason=str(error))
            self._database_from = time.monotonic() + DATABASE_SECONDS

    def _settle_if_due(self) -> None:
        if (
            self._decisions.settlement.size >= SETTLE_EVENTS
            or self._settle_in <= 0
            or not self._senders.under_way
        ):
            self._settle()

    @property
    def _settle_in(self) -> float:
        wait = SETTLE_SECONDS if self._lanes.has_turn else SETTLE_SOON_SECONDS
        return self._decisions.settlement.since + wait - time.monotonic()

    def _settle(self) -> None:
        settlement = self._decisions.settlement
        if settlement.size:
            self._waiting.settle(settlement)
            # Only now: a user's next event MUST NOT be sent before this is written. Another
            # relay that took over in between would send this one after the next.
            self._lanes.free(settlement.users)
            if settlement.uncovers:
                self._next_look = 0.0
            self._decisions.begin_anew()

    def _look_if_due(self) -> None:
        due = self._decisions.backoffs.due_in <= 0
        look = self._may_look and self._look_in <= 0
        if not (due or look):
            return
        # What was sent MUST be written before: the outbox would give it once more.
        self._settle()
        if due:
            self._load_due()
        if look:
            events = self._waiting.oldest(WINDOW, self._lanes.full())
            self._lanes.add(events)
            all_seen = len(events) < WINDOW
            self._next_look = time.monotonic() + self._look_seconds if all_seen else 0.0

    def _load_due(self) -> None:
        ids = self._decisions.backoffs.take_due(WINDOW)
        try:
            self._lanes.add(self._waiting.by_id(ids))
        except StoreUnavailable:
            for event_id in ids:
                self._decisions.backoffs.add(event_id, 0.0)
            raise

    @property
    def _look_in(self) -> float:
        return 0.0 if self._lanes.runs_low else self._next_look - time.monotonic()

    @property
    def _may_look(self) -> bool:
        """Whether there is room in memory, and a use for more in it."""
        if self._pace.sink is not Sink.OPEN and self._lanes.has_turn:
            return False
        return len(self._lanes) < WINDOW // 2

    def _purge_if_due(self) -> None:
        if time.monotonic() >= self._next_purge:
            more = self._waiting.purge()
            self._next_purge = 0.0 if more else time.monotonic() + PURGE_SECONDS

    def _send(self) -> None:
        while (
            self._lanes.has_turn
            and self._senders.has_place
            and self._pace.allows(self._senders.under_way)
            # It may have been paused since it last knew.
            and self._lease.is_fresh
        ):
            most = self._decisions.most if self._pace.sink is Sink.OPEN else 1
            events = self._lanes.take(most, one_event_per_user=self._senders.one_event_per_user)
            self._senders.send(events, self._pace.successes)
