"""What is done about an event that was not delivered: the table, by whose fault it is."""

from enum import Enum

from user_service.sinks.sink import Fault, NotDelivered


class Action(Enum):
    """What happens to what was sent."""

    DEAD_LETTER = "dead letter"
    """It will never be accepted: a dead letter."""
    SPLIT_BATCH = "split batch"
    """It is sent again with fewer others, to find out which one it is."""
    SEND_SINGLY = "send singly"
    """It is sent again, and everything from now on, one by one."""
    BACK_OFF = "back off"
    """It is tried again later, and its user's later events wait for it."""
    WAIT_FOR_SINK = "wait for sink"
    """The sink is waited for; nobody is to blame."""
    PAUSE_SINK = "pause sink"
    """Somebody has to set something right first; the sink is tried again seldom."""


# A fault that is the sink's while nothing gets through is an event's own while others do.
_NOBODY_GETS_THROUGH = {
    Fault.UNAVAILABLE: Action.WAIT_FOR_SINK,
    Fault.CONFLICT: Action.BACK_OFF,
    Fault.REFUSED: Action.DEAD_LETTER,
    Fault.NO_BATCHES: Action.SEND_SINGLY,
    Fault.MISCONFIGURED: Action.PAUSE_SINK,
}
_OTHERS_GET_THROUGH = {
    **_NOBODY_GETS_THROUGH,
    Fault.UNAVAILABLE: Action.BACK_OFF,
    Fault.MISCONFIGURED: Action.BACK_OFF,
}
_BLAMES_ONE_EVENT = {Action.DEAD_LETTER, Action.BACK_OFF}
_GIVEN_UP_IN_TIME = {Fault.UNAVAILABLE, Fault.CONFLICT}


def action_for(failure: NotDelivered, *, others_get_through: bool) -> Action:
    """What is done; where the failure is shared, no single event is to blame yet."""
    table = _OTHERS_GET_THROUGH if others_get_through else _NOBODY_GETS_THROUGH
    action = table[failure.fault]
    return Action.SPLIT_BATCH if failure.batch_failure and action in _BLAMES_ONE_EVENT else action


def counts_towards_give_up(failure: NotDelivered, *, others_get_through: bool) -> bool:
    """Whether the time until the next attempt brings the event nearer to being a dead letter.

    What nobody gets through for, and what somebody has to set right, kills no event.
    """
    return others_get_through and failure.fault in _GIVEN_UP_IN_TIME
