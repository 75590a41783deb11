"""What is held while an event is being delivered, and when it lapses."""

from dataclasses import dataclass
from datetime import timedelta

from user_service.store.transactions import microseconds, moment_of
from user_service.users.domain import now


class HoldLost(Exception):
    """What was held for a change has lapsed and was cleared; the change was not made."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to change a user, until it lapses."""

    user_id: str
    holder: str


@dataclass(frozen=True, slots=True)
class KeyHold:
    """The right to make the user that an idempotency key stands for, until it lapses."""

    key: str
    holder: str


Hold = Claim | KeyHold


@dataclass(frozen=True, slots=True)
class Lapse:
    """For how long something is held at most: longer than a delivery can take."""

    after: timedelta

    def moment(self) -> int:
        """When what is held from now on lapses, in microseconds since 1970, UTC."""
        return microseconds(now() + self.after)

    def is_past(self, lapses_at: int) -> bool:
        """Whether it has lapsed.

        What lapses much later than anything could was held before the clock was set back; not
        by a clock that is ahead of this one by a little, as another machine's can be.
        """
        return not now() < moment_of(lapses_at) <= now() + 2 * self.after
