"""Intervals and sizes of a relay, and the clock that it goes by."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from user_service.settings import Settings

Clock = Callable[[], float]
"""Seconds by a monotonic clock: the wall clock may jump."""

SECONDS_PER_HOUR = 3600
# PostgreSQL notifies the relay of new events; on SQLite polling is all there is.
POLL_SECONDS = {"sqlite": 0.1, "postgresql": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayTiming:
    """Intervals in seconds, sizes in events. Those without a default are settings."""

    lease_seconds: float
    """How long the heartbeat may stand still before another relay takes over."""
    watch_seconds: float = 0.5
    """Between two looks at another relay's heartbeat, at most."""

    send_seconds: float
    """Within which the sink must acknowledge a batch."""
    give_up_seconds: float
    """Of trying an event by itself, after which it is a dead letter."""
    shortest_backoff_seconds: float = 0.5
    longest_backoff_seconds: float = 300.0
    """Between two attempts of an event that fails by itself: doubled from the one to the other."""

    shortest_probe_seconds: float = 0.5
    longest_probe_seconds: float = 5.0
    """Between two probes of an unavailable sink: likewise."""
    paused_probe_seconds: float
    """Between two probes of a paused sink."""
    longest_retry_after_seconds: float = 3600.0
    """The most that a sink's Retry-After is heeded."""

    poll_seconds: float
    """Between two reads of an outbox that seems empty."""
    dead_letters_max: int
    """How many events may be dead letters; past it the relay pauses."""
    refused_in_a_row: int = 20
    """After how many refused events, none accepted between, the relay pauses."""
    count_seconds: float = 5.0
    """Between two counts of the dead letters, which operators replay and drop."""
    keep: timedelta
    """For how long delivered events stay in the outbox."""
    purge_seconds: float = 60.0
    purge_size: int = 5000
    """How often, and how many at once, of those kept long enough are deleted."""
    database_retry_seconds: float = 0.5
    """How long a database that was unavailable is left alone."""

    singles_seconds: float = 300.0
    """For how long events are sent singly after a batch was refused and they passed singly."""

    window_size: int = 4000
    window_size_per_user: int = 200
    """How many events are in memory at most, and of one user."""
    # With 0.01 s in both cases single posts came a fifth slower.
    write_size: int = 500
    write_seconds: float = 0.1
    write_soon_seconds: float = 0.01
    """After how many events or seconds outcomes are written; the last where no user is ready
    before they are.
    """

    idle_seconds: float = 1.0
    """How long the dispatcher sleeps at most: it looks after `stop` and overdue batches."""
    stop_seconds: float = 8.0
    """How long batches in flight are waited for at the end."""

    @classmethod
    def of(cls, settings: Settings, dialect: str) -> "RelayTiming":
        """The relay's timing in operation; `dialect`: of its database, "sqlite" or "postgresql"."""
        return cls(
            lease_seconds=settings.relay_lease_seconds,
            send_seconds=settings.relay_timeout,
            give_up_seconds=settings.relay_give_up_hours * SECONDS_PER_HOUR,
            paused_probe_seconds=settings.relay_pause_seconds,
            poll_seconds=POLL_SECONDS[dialect],
            dead_letters_max=settings.dead_letters_max,
            keep=timedelta(hours=settings.outbox_keep_hours),
        )
