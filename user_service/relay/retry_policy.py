"""Retry policy: fault → action, for an event or a batch that was not delivered."""

from enum import Enum

from user_service.sinks.sink import Fault, NotDelivered


class Action(Enum):
    """What is done about events that were not delivered."""

    DEAD_LETTER = "dead letter"
    """Give the event up: the sink will never accept it."""
    SPLIT_BATCH = "split batch"
    """Send the events again with fewer others, to find out which one it is."""
    SEND_SINGLY = "send singly"
    """Send the events again, and everything from now on, one by one."""
    BACK_OFF = "back off"
    """Try the event again later; its user's later events wait for it."""
    WAIT_FOR_SINK = "wait for sink"
    """Probe the sink until it is back; no event is to blame."""
    PAUSE_SINK = "pause sink"
    """Probe the sink seldom: an operator has to act first."""


# A fault that is the sink's while nothing is delivered is the event's while others are.
_NONE_DELIVERED = {
    Fault.UNAVAILABLE: Action.WAIT_FOR_SINK,
    Fault.CONFLICT: Action.BACK_OFF,
    Fault.REFUSED: Action.DEAD_LETTER,
    Fault.NO_BATCHES: Action.SEND_SINGLY,
    Fault.MISCONFIGURED: Action.PAUSE_SINK,
}
_OTHERS_DELIVERED = {
    **_NONE_DELIVERED,
    Fault.UNAVAILABLE: Action.BACK_OFF,
    Fault.MISCONFIGURED: Action.BACK_OFF,
}
_BLAMES_ONE_EVENT = {Action.DEAD_LETTER, Action.BACK_OFF}
_GIVEN_UP_IN_TIME = {Fault.UNAVAILABLE, Fault.CONFLICT}


def action_for(failure: NotDelivered, *, others_delivered: bool) -> Action:
    """The action; a failure of a batch blames no single event yet."""
    table = _OTHERS_DELIVERED if others_delivered else _NONE_DELIVERED
    action = table[failure.fault]
    return Action.SPLIT_BATCH if failure.batch_failure and action in _BLAMES_ONE_EVENT else action


def counts_towards_give_up(failure: NotDelivered, *, others_delivered: bool) -> bool:
    """Whether the time until the next attempt counts as time of trying the event.

    Neither an outage nor a misconfiguration makes an event a dead letter.
    """
    return others_delivered and failure.fault in _GIVEN_UP_IN_TIME
