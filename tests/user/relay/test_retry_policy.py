"""Retry policy: each row of its table."""

import pytest

from user_service.relay.retry_policy import Action, action_for, counts_towards_give_up
from user_service.sinks.sink import Fault, NotDelivered, Outcome

ROWS = [
    (Fault.UNAVAILABLE, Action.WAIT_FOR_SINK, Action.BACK_OFF),
    (Fault.CONFLICT, Action.BACK_OFF, Action.BACK_OFF),
    (Fault.REFUSED, Action.DEAD_LETTER, Action.DEAD_LETTER),
    (Fault.NO_BATCHES, Action.SEND_SINGLY, Action.SEND_SINGLY),
    (Fault.MISCONFIGURED, Action.PAUSE_SINK, Action.BACK_OFF),
]


def failure(fault: Fault, *, batch_failure: bool = False) -> NotDelivered:
    error = NotDelivered(Outcome.UNKNOWN, "reason", fault)
    error.batch_failure = batch_failure
    return error


@pytest.mark.parametrize(("fault", "alone", "among_others"), ROWS)
def test_the_action_for_a_single_event_is_the_tables(
    fault: Fault, alone: Action, among_others: Action
) -> None:
    assert action_for(failure(fault), others_delivered=False) is alone
    assert action_for(failure(fault), others_delivered=True) is among_others


@pytest.mark.parametrize(("fault", "alone", "among_others"), ROWS)
def test_a_batch_failure_blames_no_single_event(
    fault: Fault, alone: Action, among_others: Action
) -> None:
    for others, action in ((False, alone), (True, among_others)):
        found = action_for(failure(fault, batch_failure=True), others_delivered=others)
        assert found is (
            Action.SPLIT_BATCH if action in {Action.DEAD_LETTER, Action.BACK_OFF} else action
        )


@pytest.mark.parametrize("fault", Fault)
def test_only_faults_that_may_be_the_events_count_towards_give_up_while_others_are_delivered(
    fault: Fault,
) -> None:
    assert not counts_towards_give_up(failure(fault), others_delivered=False)
    assert counts_towards_give_up(failure(fault), others_delivered=True) is (
        fault in {Fault.UNAVAILABLE, Fault.CONFLICT}
    )
