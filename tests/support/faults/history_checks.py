"""Whether what is stored, what is in the log, and what clients were answered agree."""

from collections.abc import Mapping, Sequence

from tests.support.faults import evidence
from tests.support.faults.clients import Answers
from tests.support.faults.evidence import Seen


def check(answers: Answers, stored: Mapping[str, int], log: Sequence[Seen]) -> None:
    """Every change has its event and every event its change, whatever was answered.

    So it is once nothing waits in the outbox, and no intent is left: of a creation that was
    withdrawn the log has the deletion, too.
    """
    evidence.check_each_once(log)
    evidence.check_first_arrivals_in_order(log)
    _of_answers(answers, stored)
    told = evidence.versions_by_user(log)
    gone = {event.subject for event in log if event.type == "user.deleteUser"}
    assert {user: len(versions) for user, versions in told.items() if user not in gone} == stored


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
