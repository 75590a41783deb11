"""What is done about an event that was not delivered: the table, by whose fault it is."""

from enum import Enum

from user_service.sinks.sink import Fault, NotDelivered


class Fate(Enum):
    """What happens to what was sent."""

    DEAD = "dead"
    """It will never be accepted: a dead letter."""
    SPLIT = "split"
    """It is sent again with fewer others, to find out which one it is."""
    SINGLES = "singles"
    """It is sent again, and everything from now on, one by one."""
    BACK_OFF = "back off"
    """It is tried again later, and its user's later events wait for it."""
    WAIT = "wait"
    """The sink is waited for; nobody is to blame."""
    PAUSE = "pause"
    """Somebody has to set something right first; the sink is tried again seldom."""


# A fault that is the sink's while nothing gets through is an event's own while others do.
_NOBODY_GETS_THROUGH = {
    Fault.UNAVAILABLE: Fate.WAIT,
    Fault.CONFLICT: Fate.BACK_OFF,
    Fault.REFUSED: Fate.DEAD,
    Fault.NO_BATCHES: Fate.SINGLES,
    Fault.MISCONFIGURED: Fate.PAUSE,
}
_OTHERS_GET_THROUGH = {
    **_NOBODY_GETS_THROUGH,
    Fault.UNAVAILABLE: Fate.BACK_OFF,
    Fault.MISCONFIGURED: Fate.BACK_OFF,
}
_OF_ONE_EVENT = {Fate.DEAD, Fate.BACK_OFF}
_DIE_OF_AGE = {Fault.UNAVAILABLE, Fault.CONFLICT}


def fate_of(failure: NotDelivered, *, others_get_through: bool) -> Fate:
    """What is done; where the failure is shared, no single event is to blame yet."""
    table = _OTHERS_GET_THROUGH if others_get_through else _NOBODY_GETS_THROUGH
    fate = table[failure.fault]
    return Fate.SPLIT if failure.batch_failure and fate in _OF_ONE_EVENT else fate


def counts_as_trying(failure: NotDelivered, *, others_get_through: bool) -> bool:
    """Whether the time until the next attempt brings the event nearer to being a dead letter.

    What nobody gets through for, and what somebody has to set right, kills no event.
    """
    return others_get_through and failure.fault in _DIE_OF_AGE
