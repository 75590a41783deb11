"""The user service is killed under load: changes and events still agree, as its mode promises."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.faults import clients, evidence
from tests.faults.clients import Answers
from tests.faults.evidence import Seen
from tests.faults.waiting import wait_until
from tests.system import processes
from tests.system.processes import Service
from user_service.outbox import State

pytestmark = pytest.mark.faults

KILLS = 2, 50


@pytest.mark.timeout(1800)
def test_in_outbox_delivery_changes_and_events_agree_exactly(
    tmp_path: Path, database_url: str, engine: Engine, times: Callable[[int, int], int]
) -> None:
    database = {"USER_SERVICE_DATABASE_URL": database_url}
    with processes.audit_service(tmp_path) as audit:
        users = processes.user_service(
            tmp_path,
            audit.url,
            USER_SERVICE_DELIVERY="outbox",
            **database,
            **clients.CHEAPEST_HASHING,
        )
        with users, processes.relay(tmp_path, audit.url, **database):
            answers = _kill_under_load(users, times(*KILLS))
            wait_until(lambda: evidence.in_the_outbox(engine, State.WAITING) == 0, 60)
        log = evidence.in_the_log(audit.url)
    stored = evidence.users_and_versions(engine)
    evidence.check_each_once(log)
    evidence.check_first_arrivals_in_order(log)
    _check_what_was_acknowledged(answers, stored)
    told = evidence.versions_by_user(log)
    gone = {event.subject for event in log if event.type == "user.deleteUser"}
    assert {user: len(versions) for user, versions in told.items() if user not in gone} == stored


@pytest.mark.timeout(1800)
def test_in_direct_delivery_no_change_is_without_its_event(
    tmp_path: Path, database_url: str, engine: Engine, times: Callable[[int, int], int]
) -> None:
    with (
        processes.audit_service(tmp_path) as audit,
        processes.user_service(
            tmp_path,
            audit.url,
            USER_SERVICE_DATABASE_URL=database_url,
            **clients.CHEAPEST_HASHING,
        ) as users,
    ):
        answers = _kill_under_load(users, times(*KILLS))
        log = evidence.in_the_log(audit.url)
    stored = evidence.users_and_versions(engine)
    evidence.check_each_once(log)
    _check_what_was_acknowledged(answers, stored)
    _check_every_version_was_told({**_acknowledged(answers), **stored}, log)
    _check_surplus_only_after_failures(answers, stored, log)


def _kill_under_load(users: Service, kills: int) -> Answers:
    with clients.at_work(users.url) as answers:
        for _ in range(kills):
            answers.wait_for(more=30)
            users.kill()
            users.start()
        answers.wait_for(more=30)
    return answers


def _check_what_was_acknowledged(answers: Answers, stored: Mapping[str, int]) -> None:
    for history in answers.histories:
        version = stored.get(history.user_id)
        if history.deleted:
            assert version is None
        elif history.failed:
            # It may have been made all the same, and have been a deletion.
            assert version in {history.version, history.version + 1, None}
        else:
            assert version == history.version


def _acknowledged(answers: Answers) -> Mapping[str, int]:
    """The versions that were, deletions too."""
    return {history.user_id: history.version for history in answers.histories}


def _check_every_version_was_told(versions: Mapping[str, int], log: Sequence[Seen]) -> None:
    told = evidence.versions_by_user(log)
    for subject, version in versions.items():
        assert set(range(1, version + 1)) <= set(told[subject])


def _check_surplus_only_after_failures(
    answers: Answers, stored: Mapping[str, int], log: Sequence[Seen]
) -> None:
    told = evidence.versions_by_user(log)
    known = {history.user_id: history for history in answers.histories}
    for subject, history in known.items():
        # One at most, of the change after the last one that was acknowledged.
        surplus = Counter(told[subject]) - Counter(range(1, history.version + 1))
        assert surplus.total() <= history.failed, subject
    strangers = set(told) - set(known)
    assert set(stored) <= set(told)
    assert len(strangers) <= answers.failed_creations
