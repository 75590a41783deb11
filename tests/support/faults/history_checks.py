"""Whether what is stored, what is in the log, and what clients were answered agree."""

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.support.faults import evidence
from tests.support.faults.clients import Answers
from tests.support.faults.evidence import Seen


def of_outbox_delivery(answers: Answers, stored: Mapping[str, int], log: Sequence[Seen]) -> None:
    """Every change has its event and every event its change, whatever was answered."""
    evidence.check_each_once(log)
    evidence.check_first_arrivals_in_order(log)
    _of_answers(answers, stored)
    told = evidence.versions_by_user(log)
    gone = {event.subject for event in log if event.type == "user.deleteUser"}
    assert {user: len(versions) for user, versions in told.items() if user not in gone} == stored


def of_direct_delivery(answers: Answers, stored: Mapping[str, int], log: Sequence[Seen]) -> None:
    """Every change has its event; an event without a change belongs to a request that failed."""
    evidence.check_each_once(log)
    _of_answers(answers, stored)
    told = evidence.versions_by_user(log)
    histories = {history.user_id: history for history in answers.histories}
    acknowledged = {user: history.version for user, history in histories.items()}
    for user, version in {**acknowledged, **stored}.items():
        assert set(range(1, version + 1)) <= set(told[user]), user
    for user, history in histories.items():
        # Of the change after the last one that was acknowledged, and of no other.
        surplus = Counter(told[user]) - Counter(range(1, history.version + 1))
        assert surplus.total() <= history.failed, user
    assert len(set(told) - set(histories)) <= answers.failed_creations


def _of_answers(answers: Answers, stored: Mapping[str, int]) -> None:
    for history in answers.histories:
        version = stored.get(history.user_id)
        if history.deleted:
            assert version is None
        elif history.failed:
            # It may have been made all the same, and have been a deletion.
            assert version in {history.version, history.version + 1, None}
        else:
            assert version == history.version
